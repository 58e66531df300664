#include "ir/analysis/evaluate.h"

#include <ATen/ScalarOps.h>

#include "ir/analysis/effect.h"
#include "ir/tensor_list.h"

namespace tracejet {

namespace {

std::optional<c10::IValue> operand(const Argument& argument, const c10::Argument& declared, const KnownData& data,
                                   const KnownNumbers& numbers) {
  if (const auto* one = std::get_if<const Value*>(&argument)) {
    const auto known = data(**one);
    return known ? std::make_optional<c10::IValue>(*known) : std::nullopt;
  }
  if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
    std::vector<std::optional<at::Tensor>> tensors;
    for (const Value* element : *list) {
      if (element == nullptr) {
        tensors.emplace_back();
      } else if (auto known = data(*element)) {
        tensors.push_back(std::move(known));
      } else {
        return std::nullopt;
      }
    }
    return tensor_list(declared, tensors);
  }
  const auto& constant = std::get<c10::IValue>(argument);
  if (constant.isDevice()) return c10::Device(c10::kCPU);  // wherever the program will run
  const auto number = numbers(constant);
  const bool wants_tensor = declared.type()->kind() == c10::TypeKind::TensorType;
  if (!number || !wants_tensor || !number->isScalar()) return number;
  return c10::IValue(at::native::wrapped_scalar_tensor(number->toScalar()));
}

}  // namespace

bool can_evaluate(const Node& node) {
  const bool is_uninitialized = node.op().operator_name().name.starts_with("aten::empty");
  return !has_effect(node.op()) && !is_uninitialized && node.subgraphs().empty();
}

std::optional<std::vector<at::Tensor>> evaluate(const Node& node, const KnownData& data, const KnownNumbers& numbers) {
  if (!can_evaluate(node)) return std::nullopt;
  torch::jit::Stack stack;
  const auto& declared = node.op().schema().arguments();
  for (size_t i = 0; i < node.arguments().size(); ++i) {
    auto known = operand(node.arguments()[i], declared[i], data, numbers);
    if (!known) return std::nullopt;
    stack.push_back(*std::move(known));
  }
  node.op().callBoxed(stack);
  std::vector<at::Tensor> results;
  for (const c10::IValue& result : stack) {
    if (result.isTensor()) {
      results.push_back(result.toTensor());
    } else {
      for (const at::Tensor& tensor : result.toTensorVector()) results.push_back(tensor);
    }
  }
  return results;
}

}  // namespace tracejet
