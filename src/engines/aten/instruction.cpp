#include "engines/aten/instruction.h"

#include <algorithm>
#include <array>

#include <ATen/ScalarOps.h>

#include "ir/schema.h"
#include "ir/symbolic_constant.h"
#include "ir/tensor_list.h"

namespace tracejet::aten {

namespace {

/// A number in the place of a tensor, as Python's argument parser makes it: it doesn't take part in type promotion.
at::Tensor wrapped(const c10::IValue& number) { return at::native::wrapped_scalar_tensor(number.toScalar()); }

bool takes_tensor(const c10::Argument& argument) {
  const auto& type = argument.type();
  if (type->kind() == c10::TypeKind::TensorType) return true;
  const auto optional = type->cast<c10::OptionalType>();
  return optional && optional->getElementType()->kind() == c10::TypeKind::TensorType;
}

}  // namespace

c10::IValue Frame::operator()(const Computed& source) const { return resolve(source.value, sizes); }

c10::IValue Frame::operator()(const WrappedNumber& source) const { return wrapped(resolve(source.value, sizes)); }

c10::IValue Frame::operator()(const TensorList& source) const {
  c10::List<at::Tensor> list;
  for (const Slot slot : source.slots) list.push_back(values[slot].toTensor());
  return list;
}

c10::IValue Frame::operator()(const OptionalTensorList& source) const {
  c10::List<std::optional<at::Tensor>> list;
  for (const Slot slot : source.slots) {
    list.push_back(slot == kNowhere ? std::nullopt : std::optional(values[slot].toTensor()));
  }
  return list;
}

void Frame::bind_symbols(const std::vector<SlotBinding>& bindings) {
  for (const auto& [slot, symbol, axis] : bindings) {
    const c10::IValue& value = values[slot];
    sizes.bind(symbol, axis < 0 ? as_symbol_value(value) : value.toTensor().size(axis));
  }
}

Source source_of(const Argument& argument, const c10::Argument& declared,
                 const std::unordered_map<const Value*, Slot>& slots) {
  if (const auto* value = std::get_if<const Value*>(&argument)) return FromSlot{slots.at(*value)};
  if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
    std::vector<Slot> list_slots;
    for (const Value* value : *list) list_slots.push_back(value == nullptr ? kNowhere : slots.at(value));
    if (takes_optional_tensors(declared)) return OptionalTensorList{std::move(list_slots)};
    return TensorList{std::move(list_slots)};
  }
  const auto& constant = std::get<c10::IValue>(argument);
  const bool wraps = takes_tensor(declared) && constant.isScalar();
  if (!is_symbolic(constant)) return Fixed{wraps ? c10::IValue(wrapped(constant)) : constant};
  if (wraps) return WrappedNumber{constant};
  return Computed{constant};
}

void call_on_copies(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const auto& declared = op.schema().arguments();
  torch::jit::Stack copies;
  for (size_t i = 0; i < declared.size(); ++i) {
    if (!is_written(declared[i])) continue;
    if (stack[i].isTensor()) {
      stack[i] = stack[i].toTensor().clone();
    } else if (stack[i].isTensorList()) {
      std::vector<at::Tensor> list = stack[i].toTensorVector();
      for (at::Tensor& tensor : list) tensor = tensor.clone();
      stack[i] = std::move(list);
    }
    copies.push_back(stack[i]);
  }
  op.callBoxed(stack);
  stack.insert(stack.end(), copies.begin(), copies.end());
}

const c10::OperatorHandle& for_any_layout(const c10::OperatorHandle& op) {
  static const c10::OperatorName view("aten::view", "");
  static const c10::OperatorHandle reshape = c10::Dispatcher::singleton().findSchemaOrThrow("aten::reshape", "");
  return op.operator_name() == view ? reshape : op;
}

bool wants_contiguous(const c10::OperatorHandle& op) {
  static const std::array names{c10::OperatorName("aten::view", "dtype"),
                                c10::OperatorName("aten::view_as_complex", ""),
                                c10::OperatorName("aten::native_group_norm", "")};
  return std::ranges::find(names, op.operator_name()) != names.end();
}

}  // namespace tracejet::aten
