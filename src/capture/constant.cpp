// The data of values that follow from constants alone, computed when a model asks for it (`.item()`, `if tensor:`).
#include <ATen/ScalarOps.h>

#include "capture/keys.h"
#include "capture/tracer.h"
#include "graph/effect.h"

namespace tracejet {

namespace {

bool holds_symbol(const c10::IValue& value) {
  if (value.isSymInt()) return value.toSymInt().is_symbolic();
  if (value.isSymFloat()) return value.toSymFloat().is_symbolic();
  if (value.isSymBool()) return value.toSymBool().is_heap_allocated();
  if (value.isScalar()) return value.toScalar().isSymbolic();
  if (value.isList()) {
    for (const c10::IValue& element : value.toListRef()) {
      if (holds_symbol(element)) return true;
    }
  }
  return false;
}

}  // namespace

std::optional<at::Tensor> Tracer::constant_value(const Value& value) {
  if (const auto known = constants_.find(&value); known != constants_.end()) {
    if (known->second.is_meta()) return std::nullopt;
    const Untraced guard;
    return known->second.cpu();
  }
  const Node* node = value.producer();
  if (node == nullptr || has_effect(node->op())) return std::nullopt;

  torch::jit::Stack stack;
  const auto& schema = node->op().schema().arguments();
  for (size_t i = 0; i < node->arguments().size(); ++i) {
    const Argument& argument = node->arguments()[i];
    if (const auto* one = std::get_if<const Value*>(&argument)) {
      const auto data = constant_value(**one);
      if (!data) return std::nullopt;
      stack.emplace_back(*data);
    } else if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
      c10::List<std::optional<at::Tensor>> optionals;
      std::vector<at::Tensor> tensors;
      for (const Value* element : *list) {
        const auto data = element == nullptr ? std::make_optional<at::Tensor>() : constant_value(*element);
        if (!data) return std::nullopt;
        tensors.push_back(*data);
        optionals.push_back(element == nullptr ? std::nullopt : std::make_optional(*data));
      }
      const bool takes_none =
          schema[i].type()->castRaw<c10::ListType>()->getElementType()->kind() == c10::TypeKind::OptionalType;
      stack.push_back(takes_none ? c10::IValue(optionals) : c10::IValue(tensors));
    } else {
      const auto& constant = std::get<c10::IValue>(argument);
      if (holds_symbol(constant)) return std::nullopt;
      if (constant.isDevice()) {  // what is known is computed here, wherever the program will run
        stack.emplace_back(c10::Device(c10::kCPU));
        continue;
      }
      const bool wants_tensor = schema[i].type()->kind() == c10::TypeKind::TensorType;
      stack.push_back(wants_tensor && constant.isScalar()
                          ? c10::IValue(at::native::wrapped_scalar_tensor(constant.toScalar()))
                          : constant);
    }
  }
  {
    const Untraced guard;
    node->op().callBoxed(stack);
  }
  size_t output = 0;
  for (const c10::IValue& result : stack) {
    if (result.isTensor()) {
      constants_[node->outputs()[output++]] = result.toTensor();
    } else {
      for (const at::Tensor& tensor : result.toTensorVector()) constants_[node->outputs()[output++]] = tensor;
    }
  }
  return constants_.at(&value);
}

}  // namespace tracejet
