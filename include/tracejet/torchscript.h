#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <torch/csrc/jit/api/module.h>

#include <tracejet/structure.h>
#include <tracejet/trace.h>

namespace tracejet {

/// Traces the forward of a TorchScript module, scripted or traced (`torch::jit::load("model.pt")`), and gives its
/// program; see trace.h. One Input for each tensor that forward takes, in its order; what has a default keeps it.
///
/// Sizes stay symbols. Branches and loops go the way that sizes and constants say, loops over a static range are
/// unrolled; `if` on data is torch.cond where both ways give tensors and write to none, and DataDependent elsewhere.
/// Buffers that forward writes or sets are part of the program. The module is unchanged.
Program trace(const torch::jit::Module& module, const std::vector<Input>& inputs, const TraceOptions& options = {});

/// Traces as trace() does, and reports what keeps sizes from varying as declared, what ends the trace among it. Throws
/// only InvalidInput, where Inputs contradict themselves, each other or what forward takes. The module is unchanged.
Report diagnose(const torch::jit::Module& module, const std::vector<Input>& inputs, const TraceOptions& options = {});

/// Gives what forward is called with, in its order, for one tensor for each Input. Lists and dicts may be of any type:
/// they are made those that forward declares.
using ScriptCall = std::function<std::vector<c10::IValue>(const std::vector<at::Tensor>&)>;
/// The same for a forward that takes other things than tensors: `call` makes its arguments, and `inputs` has one Input
/// for each tensor that `call` is given. Throws InvalidInput, too, where what it makes isn't what forward declares.
Program trace(const torch::jit::Module& module, const ScriptCall& call, const std::vector<Input>& inputs,
              const TraceOptions& options = {});
Report diagnose(const torch::jit::Module& module, const ScriptCall& call, const std::vector<Input>& inputs,
                const TraceOptions& options = {});

namespace detail {

/// An argument as TorchScript holds it.
template <typename T>
c10::IValue script_value(const T& value) {
  if constexpr (std::is_same_v<T, std::nullopt_t>) {
    return {};
  } else if constexpr (is_a<T, std::optional>) {
    return value ? script_value(*value) : c10::IValue();
  } else if constexpr (std::is_same_v<T, bool>) {
    return value;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<int64_t>(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(value);
  } else if constexpr (std::is_convertible_v<const T&, std::string>) {
    return std::string(value);
  } else if constexpr (is_tuple<T>) {
    return std::apply(
        [](const auto&... items) {
          return c10::ivalue::Tuple::create(std::vector<c10::IValue>{script_value(items)...});
        },
        value);
  } else if constexpr (is_list<T>) {
    c10::impl::GenericList list(c10::AnyType::get());
    for (const auto& item : value) list.push_back(script_value(static_cast<const typename T::value_type&>(item)));
    return list;
  } else if constexpr (is_a<T, std::map>) {
    c10::impl::GenericDict dict(c10::AnyType::get(), c10::AnyType::get());
    for (const auto& [key, item] : value) dict.insert(script_value(key), script_value(item));
    return dict;
  } else {
    static_assert(std::is_constructible_v<c10::IValue, const T&>,
                  "TorchScript takes tensors, numbers, texts, and tuples, vectors and maps of them");
    return value;
  }
}

template <typename... Parts>
ScriptCall script_call(const Arguments<Parts...>& arguments) {
  return [arguments](const std::vector<at::Tensor>& tensors) {
    TensorReader reader(tensors);
    return script_value(bound(arguments, reader)).toTupleRef().elements().vec();
  };
}

}  // namespace detail

/// The same where forward takes more than tensors: `trace(module, arguments(x, std::vector{a, b}, 16000, true))`. What
/// is no Input is fixed in the program.
template <typename... Parts>
Program trace(const torch::jit::Module& module, const Arguments<Parts...>& arguments,
              const TraceOptions& options = {}) {
  return trace(module, detail::script_call(arguments), detail::inputs_of(arguments), options);
}

template <typename... Parts>
Report diagnose(const torch::jit::Module& module, const Arguments<Parts...>& arguments,
                const TraceOptions& options = {}) {
  return diagnose(module, detail::script_call(arguments), detail::inputs_of(arguments), options);
}

}  // namespace tracejet
