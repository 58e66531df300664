// Lists, dicts and tuples of TorchScript that may hold symbols.
#include "frontends/torchscript_values.h"

#include <algorithm>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/class_type.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/util/StringUtil.h>

#include "frontends/torchscript_numbers.h"
#include "ir/symbolic_constant.h"

namespace tracejet::torchscript {

void mark_symbolic_list(const c10::IValue& value) {
  if (!value.isList()) return;
  auto list = value.toList();
  const bool is_of_ints = list.elementType()->kind() == c10::TypeKind::IntType;
  if (!is_of_ints) return;
  for (size_t i = 0; i < list.size(); ++i) {
    if (c10::IValue(list.get(i)).isSymInt()) return list.unsafeSetElementType(c10::SymIntType::get());
  }
}

c10::IValue list_of(const std::vector<c10::IValue>& items, const c10::TypePtr& element) {
  c10::impl::GenericList list(element);
  list.reserve(items.size());
  for (const c10::IValue& item : items) list.push_back(item);
  c10::IValue value(std::move(list));
  mark_symbolic_list(value);
  return value;
}

bool may_be_changed(const c10::IValue& value) {
  if (value.isTuple()) return std::ranges::any_of(items_of(value), &may_be_changed);
  return value.isList() || value.isGenericDict() || (value.isObject() && !value.toObjectRef().type()->is_module());
}

c10::IValue copy_to_change(const c10::IValue& value, c10::IValue::HashIdentityIValueMap& copies) {
  if (value.isTuple()) {
    std::vector<c10::IValue> items = items_of(value);
    for (c10::IValue& item : items) item = copy_to_change(item, copies);
    return c10::ivalue::Tuple::createNamed(std::move(items), value.toTupleRef().type()->expect<c10::TupleType>());
  }
  if (!may_be_changed(value)) return value;
  if (const auto known = copies.find(value); known != copies.end()) return known->second;
  if (value.isObject()) {
    const auto copy = value.toObjectRef().copy();
    copies.emplace(value, copy);  // it may hold itself
    for (size_t slot = 0; slot < copy->slots().size(); ++slot) {
      copy->setSlot(slot, copy_to_change(copy->getSlot(slot), copies));
    }
    return copy;
  }
  if (value.isList()) {
    auto copy = value.toList().copy();
    copies.emplace(value, copy);
    for (size_t i = 0; i < copy.size(); ++i) copy.set(i, copy_to_change(copy.get(i), copies));
    return copy;
  }
  auto copy = value.toGenericDict().copy();
  copies.emplace(value, copy);
  for (const auto& entry : value.toGenericDict()) {
    copy.insert_or_assign(entry.key(), copy_to_change(entry.value(), copies));
  }
  return copy;
}

namespace {

/// What it holds, in order.
std::vector<c10::IValue> parts_of(const c10::IValue& value) {
  if (value.isTuple()) return items_of(value);
  if (value.isObject()) return value.toObjectRef().slots();
  if (value.isList()) return value.toListRef().vec();
  std::vector<c10::IValue> parts;
  for (const auto& entry : value.toGenericDict()) {
    parts.push_back(entry.key());
    parts.push_back(entry.value());
  }
  return parts;
}

}  // namespace

bool is_unchanged(const c10::IValue& value, const c10::IValue& copy) {
  if (value.tagKind() != copy.tagKind()) return false;
  if (value.isTensor()) return value.toTensor().is_same(copy.toTensor());
  if (is_symbolic_number(copy)) return false;
  if (!may_be_changed(value) && !value.isTuple()) return value.is(copy) || value == copy;
  return std::ranges::equal(parts_of(value), parts_of(copy), &is_unchanged);
}

c10::IValue as_optional_tensors(const c10::IValue& value) {
  c10::List<std::optional<at::Tensor>> list;  // PyTorch compares the type's address
  for (const c10::IValue& item : value.toListRef()) {
    list.push_back(item.isNone() ? std::nullopt : std::optional<at::Tensor>(item.toTensor()));
  }
  return list;
}

bool takes_optional_tensors(const c10::Argument& argument) {
  const auto list = argument.type()->cast<c10::ListType>();
  return list != nullptr && list->getElementType()->kind() == c10::TypeKind::OptionalType &&
         c10::TensorType::get()->isSubtypeOf(*list->getElementType());
}

std::vector<c10::IValue> items_of(const c10::IValue& tuple) {
  const auto& elements = tuple.toTupleRef().elements();
  return std::vector<c10::IValue>(elements.begin(), elements.end());
}

c10::IValue dict_of(const std::vector<c10::IValue>& items, const c10::DictType& type) {
  c10::impl::GenericDict dict(type.getKeyType(), type.getValueType());
  for (size_t i = 0; i + 1 < items.size(); i += 2) dict.insert_or_assign(items[i], items[i + 1]);
  return dict;
}

bool is_one_of(const c10::IValue& value, c10::ArrayRef<c10::TypePtr> types) {
  const c10::TypePtr type = value.isSymInt()     ? c10::TypePtr(c10::IntType::get())
                            : value.isSymFloat() ? c10::TypePtr(c10::FloatType::get())
                            : value.isSymBool()  ? c10::TypePtr(c10::BoolType::get())
                            : value.isTensor()   ? c10::TypePtr(c10::TensorType::get())
                                                 : value.type();
  return std::ranges::any_of(types, [&](const c10::TypePtr& candidate) { return type->isSubtypeOf(*candidate); });
}

std::vector<c10::IValue> as_items(c10::SymIntArrayRef sizes) {
  return std::vector<c10::IValue>(sizes.begin(), sizes.end());
}

c10::IValue compared_lists(const c10::IValue& a, const c10::IValue& b) {
  const auto items = a.toList(), others = b.toList();
  if (items.size() != others.size()) return false;
  std::optional<c10::IValue> all;
  for (size_t i = 0; i < items.size(); ++i) {
    const c10::IValue pair[] = {items.get(i), others.get(i)};
    const auto same = compute("eq", pair);
    if (!same && pair[0] != pair[1]) return false;
    if (!same) continue;
    const c10::IValue both[] = {all.value_or(*same), *same};
    all = compute("__and__", both);
  }
  return all ? *all : c10::IValue(true);
}

bool has_symbols(const c10::IValue& value) {
  mark_symbolic_list(value);
  return value.isList() && value.toList().elementType()->kind() == c10::TypeKind::SymIntType;
}

c10::IValue as_tensors(const c10::IValue& value, const c10::TypePtr& type) {
  if (type->kind() == c10::TypeKind::TensorType) {
    const bool is_kept = value.isSymInt() || value.isInt();
    return is_kept ? c10::IValue(at::scalar_tensor(value.toSymInt(), at::kLong)) : value;
  }
  if (type->kind() == c10::TypeKind::OptionalType && !value.isNone()) {
    return as_tensors(value, type->expectRef<c10::OptionalType>().getElementType());
  }
  if (type->kind() == c10::TypeKind::TupleType && value.isTuple()) {
    const auto& types = type->expectRef<c10::TupleType>().elements();
    std::vector<c10::IValue> items = items_of(value);
    for (size_t i = 0; i < items.size(); ++i) items[i] = as_tensors(items[i], types[i]);
    return c10::ivalue::Tuple::createNamed(std::move(items), type->expect<c10::TupleType>());
  }
  if (type->kind() == c10::TypeKind::ListType && value.isList()) {
    const c10::TypePtr& element = type->expectRef<c10::ListType>().getElementType();
    const auto list = value.toList();
    if (element->kind() == c10::TypeKind::IntType) return value;
    for (size_t i = 0; i < list.size(); ++i) {
      const c10::IValue& item = list.get(i);
      if (!item.isTensor()) list.set(i, as_tensors(item, element));
    }
  } else if (type->kind() == c10::TypeKind::DictType && value.isGenericDict()) {
    const c10::TypePtr& element = type->expectRef<c10::DictType>().getValueType();
    const auto dict = value.toGenericDict();
    for (const auto& entry : dict) entry.setValue(as_tensors(entry.value(), element));
  }
  return value;
}

namespace {

void find_axes(const c10::IValue& value, const SymbolAxes& axes, std::vector<std::string>& found) {
  if (value.isList()) {
    for (const c10::IValue& item : value.toListRef()) find_axes(item, axes, found);
  } else if (is_symbolic_number(value)) {
    const std::string text = c10::str(value);
    for (const auto& [symbol, names] : axes) {
      const bool is_new = std::ranges::find(found, names.front()) == found.end();
      if (is_new && text.find(symbol) != std::string::npos) found.push_back(names.front());
    }
  }
}

}  // namespace

std::string axes_in(const std::vector<c10::IValue>& values, const SymbolAxes& axes) {
  std::vector<std::string> found;
  for (const c10::IValue& value : values) find_axes(value, axes, found);
  return c10::Join(", ", found);
}

}  // namespace tracejet::torchscript
