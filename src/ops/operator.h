#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/boxing/KernelFunction.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <torch/library.h>

#include "ir/call.h"
#include "ir/tensor_meta.h"

namespace tracejet {

/// Gives the metadata of a call's outputs, one per tensor (the tensors of a list in its order).
/// Throws ShapeError where eager PyTorch would refuse the call. Comparisons of symbolic sizes that decide the outcome
/// are guards of the trace; comparisons that only choose a layout must not be (see symbolic::is_statically_equal).
using ShapeRule = std::vector<TensorMeta> (*)(const Call&);

/// Runs the operator as other operators, on traced tensors or on real ones: takes its arguments off the stack and
/// pushes its results. Made from an ordinary ATen function by `expand<&function>`.
using Decomposition = void (*)(const c10::OperatorHandle&, torch::jit::Stack*);

/// All that is known of one operator overload.
struct Operator {
  std::string_view name;  ///< "aten::add.Tensor", "aten::relu"
  ShapeRule meta = nullptr;
  Decomposition decompose = nullptr;
  bool kept_by_default = false;  ///< in the set "tensorrt", whatever decomposition there is: engines run it whole
  /// Whether the decomposition doesn't serve a call with these arguments: it stays whole then, by its shape rule.
  bool (*skip_decomposition_if)(c10::ArrayRef<c10::IValue> arguments) = nullptr;
};

/// Boxes an ATen-style function with the schema's signature (SymInt where the schema says so).
/// It must be functional: no in-place calls, no out= arguments.
template <auto Function>
void expand(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  static const auto kernel = c10::KernelFunction::makeFromUnboxedFunction(TORCH_FN(Function));
  kernel.callBoxed(op, c10::DispatchKeySet(), stack);
}

/// Whether the call whose arguments are the last on the stack is decomposed.
inline bool is_decomposed(const Operator& entry, const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  if (entry.decompose == nullptr) return false;
  return entry.skip_decomposition_if == nullptr ||
         !entry.skip_decomposition_if(torch::jit::last(stack, op.schema().arguments().size()));
}

/// The entry of an operator, or null where the table has none.
const Operator* find_operator(const c10::OperatorHandle& op);
/// Every table of the project, in a stable order.
std::span<const std::span<const Operator>> operator_tables();

}  // namespace tracejet
