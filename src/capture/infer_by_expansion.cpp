// The shapes that an operator gives which is kept, but could be expanded.
#include <ATen/ScalarOps.h>

#include "base/error.h"
#include "capture/functionalization.h"
#include "capture/meta_kernel.h"
#include "capture/shape_inference.h"
#include "capture/tensor_arguments.h"
#include "ir/tensor_list.h"

namespace tracejet {

namespace {

bool is_number_for_tensor(const c10::IValue& constant, const c10::Argument& declared) {
  return declared.type()->kind() == c10::TypeKind::TensorType && !constant.isNone();
}

}  // namespace

std::optional<std::vector<OutputMeta>> ShapeInference::infer_by_expansion(const Call& call) {
  const c10::OperatorHandle& op = call.op();
  const Operator* entry = find_operator(op);
  const bool has_decomposition = entry != nullptr && entry->decompose != nullptr;
  if (!has_decomposition && !op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd)) {
    return std::nullopt;
  }
  const SubgraphScope apart(scopes_);  // what is recorded goes with it
  const auto operand = [&](const Value& value) {
    Graph& graph = *scopes_.graph();
    const std::string name = "operand_" + std::to_string(graph.inputs().size());
    return scopes_.make_functional(*graph.add_input(GraphInput::Kind::kUser, value.tensor(), name));
  };
  torch::jit::Stack stack;
  for (size_t i = 0; i < call.arguments().size(); ++i) {
    const Argument& argument = call.arguments()[i];
    const c10::Argument& declared = op.schema().arguments()[i];
    if (const auto* value = std::get_if<const Value*>(&argument)) {
      if (!(*value)->is_tensor()) return std::nullopt;
      stack.emplace_back(operand(**value));
    } else if (const auto* values = std::get_if<std::vector<const Value*>>(&argument)) {
      std::vector<std::optional<at::Tensor>> tensors;
      for (const Value* item : *values) {
        tensors.push_back(item == nullptr ? std::nullopt : std::optional(operand(*item)));
      }
      stack.push_back(tensor_list(declared, tensors));
    } else {
      const auto& constant = std::get<c10::IValue>(argument);
      stack.push_back(is_number_for_tensor(constant, declared) ? c10::IValue(stand_in_for_number(constant)) : constant);
    }
  }
  const EnableFunctionalizationGuard functionalizing;
  if (has_decomposition) {
    entry->decompose(op, &stack);
  } else {
    op.callBoxedForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd, stack);
  }
  std::vector<OutputMeta> outputs;
  for (const c10::IValue& result : stack) {
    std::vector<TensorMeta> metas;
    for_each_tensor(result, [&](const at::Tensor& tensor) { metas.push_back(lifting_.value_of(tensor).tensor()); });
    if (result.isTensorList()) {
      outputs.emplace_back(std::move(metas));
    } else if (metas.empty()) {
      outputs.emplace_back(std::monostate());
    } else {
      outputs.emplace_back(std::move(metas.front()));
    }
  }
  return outputs;
}

}  // namespace tracejet
