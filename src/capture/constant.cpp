// The data of values that follow from constants alone, computed when a model asks for it (`.item()`, `if tensor:`).
#include "capture/keys.h"
#include "capture/tracer.h"
#include "graph/evaluate.h"

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
  if (node == nullptr) return std::nullopt;
  const auto numbers = [](const c10::IValue& constant) {
    return holds_symbol(constant) ? std::nullopt : std::make_optional(constant);
  };
  const auto data = [this](const Value& operand) { return constant_value(operand); };
  const Untraced guard;
  const auto results = evaluate(*node, data, numbers);
  if (!results) return std::nullopt;
  for (size_t i = 0; i < results->size(); ++i) constants_[node->outputs()[i]] = (*results)[i];
  return constants_.at(&value);
}

}  // namespace tracejet
