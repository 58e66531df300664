#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include <ATen/core/boxing/KernelFunction.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/op_registration/op_registration.h>
#include <ATen/core/stack.h>

namespace tracejet {

/// The sets of decompositions that a DecompositionTable starts from.
enum class DecompositionSet : uint8_t {
  /// What Torch-TensorRT decomposes: few operators are left, and what engines run best as a whole stays whole.
  kTensorRT,
  /// What is left is Core ATen (the operators that PyTorch tags as core, and those it knows no decomposition for), as
  /// after `run_decompositions()` of torch.export.
  kCoreAten,
  /// Operators stay as the model calls them, but for those that might give a view of an argument or write to it. As
  /// after `run_decompositions({})`.
  kNone,
};

/// What a trace does with an operator.
enum class OpAction : uint8_t {
  kKeep,             ///< it becomes a node
  kExpand,           ///< its decomposition in C++ runs in its place
  kExpandComposite,  ///< ATen's own composite kernel, which calls other operators, runs in its place
  kReplace,          ///< a function of the table's runs in its place
  kRun,              ///< it runs while tracing: a profiler's mark, of no concern to the program
};

/// The action that a table chooses for an operator, and why.
struct Decision {
  OpAction action;
  std::string_view why;  ///< for people; lives as long as the table

  /// "kept", "expanded in C++", "expanded by ATen", "replaced", "run while tracing".
  std::string_view str() const;
};

/// What a trace does with every operator: one of the sets, and what was changed of it. A value: a trace takes a copy.
///
/// Operators are named as in PyTorch, with the overload: "aten::gelu", "aten::add.Tensor". Programs are functional, so
/// an operator that writes to its arguments is never met; name the one that it stands for. All of these throw
/// InvalidInput where the operator doesn't exist or can't be treated so, and return the table.
class DecompositionTable {
 public:
  /// Takes its arguments off the stack and pushes its results, as PyTorch's boxed kernels do. Or leaves the stack alone
  /// and gives false: then the call is treated as the set says that the table started from.
  using Function = std::function<bool(const c10::OperatorHandle&, torch::jit::Stack&)>;

  // Implicit, so that a set can be given where a table is asked for.
  DecompositionTable(DecompositionSet set = DecompositionSet::kTensorRT) : set_(set) {}

  /// It becomes a node.
  DecompositionTable& keep(std::string_view op);
  /// It is expanded by its decomposition in C++, or by ATen's where ATen makes it of other operators.
  DecompositionTable& expand(std::string_view op);
  /// `function` runs in its place, with the schema's signature (SymInt where sizes may be symbolic), and what it calls
  /// is traced under the same table. It may be a pointer to a function, or a lambda.
  template <class Callable>
  DecompositionTable& replace(std::string_view op, Callable function);
  /// As replace(), with a boxed function. `why` says in print what it is; with `is_slow`, calls of it are counted among
  /// those that a trace had to do the slow way.
  DecompositionTable& replace_boxed(std::string_view op, Function function, std::string why = "replaced by a function",
                                    bool is_slow = false);
  /// scaled_dot_product_attention and its backends are expanded into products of matrices and a softmax. 16-bit floats
  /// are computed in float32 and rounded once, as in PyTorch's kernels, or without `use_fp32_acc` in their own dtype.
  DecompositionTable& expand_attention(bool use_fp32_acc = true);

  DecompositionSet set() const { return set_; }
  /// Whether it differs from the set that it started from.
  bool is_edited() const { return !changes_.empty(); }
  Decision decision(const c10::OperatorHandle& op) const;
  Decision decision(std::string_view op) const;
  /// What the set says that it started from.
  Decision unchanged_decision(const c10::OperatorHandle& op) const;
  /// Whether expand() has something to expand it by.
  static bool can_expand(std::string_view op);
  /// Every operator that PyTorch has or that the table changes, by name, as far as it can be met in a trace.
  std::vector<c10::OperatorHandle> operators() const;
  /// One line for each of these operators that PyTorch or this table can decompose: its name, what happens to it, why.
  std::string str() const;

  // For traces.

  /// What replaces the operator; null where nothing does.
  const Function* function_for(const c10::OperatorHandle& op) const;
  /// Whether that is a slow way to expand it.
  bool is_slow(const c10::OperatorHandle& op) const;

 private:
  struct Change {
    OpAction action;
    std::string why;
    Function function;
    bool is_slow = false;
  };
  DecompositionTable& change(const c10::OperatorHandle& op, Change change);
  /// Throws InvalidInput where it isn't the schema of the operator.
  static void check_signature(std::string_view op, const c10::FunctionSchema& signature);

  DecompositionSet set_;
  std::unordered_map<c10::OperatorName, Change> changes_;
};

template <class Callable>
DecompositionTable& DecompositionTable::replace(std::string_view op, Callable function) {
  constexpr bool is_pointer = std::is_pointer_v<Callable>;
  const auto [signature, kernel] = [&] {
    if constexpr (is_pointer) {
      using Functor = c10::impl::WrapFunctionIntoRuntimeFunctor<Callable>;
      return std::pair{c10::detail::inferFunctionSchemaFromFunctor<Functor>(),
                       c10::KernelFunction::makeFromUnboxedRuntimeFunction(function)};
    } else {
      return std::pair{c10::detail::inferFunctionSchemaFromFunctor<Callable>(),
                       c10::KernelFunction::makeFromUnboxedLambda(std::move(function))};
    }
  }();
  check_signature(op, *signature);
  return replace_boxed(
      op,
      [kernel = kernel](const c10::OperatorHandle& handle, torch::jit::Stack& stack) {
        kernel.callBoxed(handle, c10::DispatchKeySet(), &stack);
        return true;
      },
      "replaced by a C++ function");
}

}  // namespace tracejet
