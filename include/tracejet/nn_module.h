#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <torch/nn/module.h>
#include <torch/nn/modules/container/any.h>
#include <torch/nn/pimpl.h>

#include <tracejet/error.h>
#include <tracejet/structure.h>
#include <tracejet/trace.h>

namespace tracejet {

/// A module and how its forward is called, whatever their types are. trace() below makes it.
struct ModuleCall {
  torch::nn::Module* module = nullptr;
  /// Calls forward with these tensors, one for each Input.
  std::function<FlatResults(const std::vector<at::Tensor>&)> forward;
  /// Makes what gives the module object its members back as they are now; empty where it can't be copied.
  std::function<std::function<void()>()> keep_members;
};
/// What trace() and diagnose() of a model, below, come to: they say what is recorded, and what of the module is as
/// before afterwards. One Input for each tensor that `forward` is called with, in its order. trace() throws as the one
/// of functions does (trace.h), and UnsupportedOperator where forward leaves tensors of the trace in the module;
/// diagnose() throws only InvalidInput, and reports all else.
Program trace(const ModuleCall& call, const std::vector<Input>& inputs, const TraceOptions& options = {});
Report diagnose(const ModuleCall& call, const std::vector<Input>& inputs, const TraceOptions& options = {});

/// Whether a trace keeps a copy of a module object, and gives it back its members afterwards. A class that can only be
/// copied in name (a member like std::vector<std::unique_ptr<T>>) doesn't compile then, and says so:
/// `template <> inline constexpr bool tracejet::kKeepsMembers<Net> = false;`
template <typename Module>
inline constexpr bool kKeepsMembers = std::is_copy_constructible_v<Module> && std::is_copy_assignable_v<Module>;

namespace detail {

template <typename Model>
concept HasForward = std::is_base_of_v<torch::nn::Module, Model> || requires(Model& model) {
  { model.ptr() } -> std::convertible_to<std::shared_ptr<torch::nn::Module>>;  // ModuleHolder, AnyModule
} || requires(Model& model) {
  { *model } -> std::convertible_to<torch::nn::Module&>;
};

/// The object that has forward(): a holder's module, what a pointer points to, else the model itself.
template <typename Model>
auto& callee(Model& model) {
  constexpr bool is_module = std::is_base_of_v<torch::nn::Module, Model> || std::is_same_v<Model, torch::nn::AnyModule>;
  if constexpr (is_module) {
    return model;
  } else {
    if (!model) throw InvalidInput("the module is empty; expected one that can be called", ErrorCode::kNotAModule);
    return *model;
  }
}

template <typename Model>
FlatResults call_forward(Model& model, auto&&... arguments) {
  return flattened(callee(model).forward(std::forward<decltype(arguments)>(arguments)...));
}

/// forward() with as many tensors as there are.
template <typename Model, size_t... Index>
FlatResults call_with_tensors(Model& model, const std::vector<at::Tensor>& tensors, std::index_sequence<Index...>) {
  if constexpr (requires { callee(model).forward(tensors[Index]...); }) {
    if (tensors.size() == sizeof...(Index)) return call_forward(model, tensors[Index]...);
  }
  constexpr size_t kMostTensors = 12;
  if constexpr (sizeof...(Index) < kMostTensors) {
    return call_with_tensors(model, tensors, std::make_index_sequence<sizeof...(Index) + 1>());
  }
  throw InvalidInput(
      "forward can't be called with " + std::to_string(tensors.size()) +
          " tensors; give one Input for each of its tensors, or say with tracejet::arguments() what it takes",
      ErrorCode::kModelArguments);
}

template <typename Model>
ModuleCall module_call(Model& model, std::function<FlatResults(const std::vector<at::Tensor>&)> forward) {
  ModuleCall call;
  call.forward = std::move(forward);
  auto& object = callee(model);
  using Object = std::remove_reference_t<decltype(object)>;
  if constexpr (std::is_same_v<Object, torch::nn::AnyModule>) {
    if (object.is_empty())
      throw InvalidInput("the module is empty; expected one that can be called", ErrorCode::kNotAModule);
    call.module = object.ptr().get();
  } else {
    call.module = &object;
    if constexpr (kKeepsMembers<Object>) {
      const bool is_whole = typeid(object) == typeid(Object);  // and not the base of another class
      if (is_whole) call.keep_members = [&object] { return [&object, kept = object] { object = kept; }; };
    }
  }
  return call;
}

template <typename Model>
ModuleCall tensor_call(Model& model) {
  return module_call(model, [&model](const std::vector<at::Tensor>& tensors) {
    return call_with_tensors(model, tensors, std::index_sequence<>());
  });
}

template <typename Model, typename... Parts>
ModuleCall argument_call(Model& model, const Arguments<Parts...>& arguments) {
  return module_call(model, [&](const std::vector<at::Tensor>& tensors) {
    TensorReader reader(tensors);
    return std::apply([&](auto&&... bound) { return call_forward(model, std::forward<decltype(bound)>(bound)...); },
                      bound(arguments, reader));
  });
}

}  // namespace detail

/// Runs the module's forward on tensors without data, and gives its program: everything that trace.h says of functions
/// holds. `model`: an object of a class derived from `torch::nn::Module`, a holder of one (`torch::nn::Linear`,
/// `torch::nn::Sequential`), a `std::shared_ptr` to one, or a `torch::nn::AnyModule`.
///
/// `inputs`: one for each tensor that forward takes, in its order. Where it takes something else, too, see arguments().
/// Parameters and buffers are the program's, by the names they are registered under; writes to buffers are part of it.
/// Results may be nested: the program gives their tensors, numbers and Nones in order; see Members in structure.h for
/// structs.
///
/// A second call of forward has to compute what the first did. Where forward changes members that it reads (numbers,
/// containers, tensors that it binds to others: `memory = memory * 0.9 + x`, `std::swap(a, b)`), it is
/// UnsupportedOperator: write to a registered buffer instead (`memory.copy_(…)`). The model is unchanged afterwards,
/// but for plain members of its submodules, and of an object that can't be copied (see
/// kKeepsMembers) or is of another class than `Model` names.
template <typename Model>
  requires detail::HasForward<Model>
Program trace(Model& model, const std::vector<Input>& inputs, const TraceOptions& options = {}) {
  return trace(detail::tensor_call(model), inputs, options);
}

/// The same where forward takes more than tensors: `trace(model, arguments(x, std::vector{a, b}, std::nullopt, 3))`.
template <typename Model, typename... Parts>
  requires detail::HasForward<Model>
Program trace(Model& model, const Arguments<Parts...>& arguments, const TraceOptions& options = {}) {
  return trace(detail::argument_call(model, arguments), detail::inputs_of(arguments), options);
}

/// Traces as trace() does, and reports what keeps sizes from varying; see trace.h.
template <typename Model>
  requires detail::HasForward<Model>
Report diagnose(Model& model, const std::vector<Input>& inputs, const TraceOptions& options = {}) {
  return diagnose(detail::tensor_call(model), inputs, options);
}

template <typename Model, typename... Parts>
  requires detail::HasForward<Model>
Report diagnose(Model& model, const Arguments<Parts...>& arguments, const TraceOptions& options = {}) {
  return diagnose(detail::argument_call(model, arguments), detail::inputs_of(arguments), options);
}

}  // namespace tracejet
