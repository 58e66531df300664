#include "frontends/torchscript_arguments.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include <ATen/core/Dict.h>
#include <ATen/core/List.h>
#include <ATen/core/jit_type.h>

#include "base/error.h"

namespace tracejet::torchscript {

namespace {

using Value = std::optional<c10::IValue>;

Value of_type(const c10::IValue& value, const c10::TypePtr& type);

Value list_of_type(const c10::IValue& value, const c10::TypePtr& element) {
  if (!value.isList()) return std::nullopt;
  c10::impl::GenericList list(element);
  for (const c10::IValue& item : value.toListRef()) {
    const Value converted = of_type(item, element);
    if (!converted) return std::nullopt;
    list.push_back(*converted);
  }
  return c10::IValue(std::move(list));
}

Value dict_of_type(const c10::IValue& value, const c10::DictType& type) {
  if (!value.isGenericDict()) return std::nullopt;
  c10::impl::GenericDict dict(type.getKeyType(), type.getValueType());
  for (const auto& entry : value.toGenericDict()) {
    const Value key = of_type(entry.key(), type.getKeyType()), item = of_type(entry.value(), type.getValueType());
    if (!key || !item) return std::nullopt;
    dict.insert(*key, *item);
  }
  return c10::IValue(std::move(dict));
}

Value tuple_of_type(const c10::IValue& value, const c10::TupleTypePtr& type) {
  if (!value.isTuple() || value.toTupleRef().elements().size() != type->elements().size()) return std::nullopt;
  std::vector<c10::IValue> items;
  for (size_t i = 0; i < type->elements().size(); ++i) {
    Value item = of_type(value.toTupleRef().elements()[i], type->elements()[i]);
    if (!item) return std::nullopt;
    items.push_back(*std::move(item));
  }
  return c10::IValue(type->name() ? c10::ivalue::Tuple::createNamed(std::move(items), type)
                                  : c10::ivalue::Tuple::create(std::move(items)));
}

Value first_of(const c10::IValue& value, c10::ArrayRef<c10::TypePtr> types) {
  for (const c10::TypePtr& type : types) {
    if (Value converted = of_type(value, type)) return converted;
  }
  return std::nullopt;
}

/// Nothing where the value can't be had as one of this type. IValue::type() would ask tensors for plain sizes.
Value of_type(const c10::IValue& value, const c10::TypePtr& type) {
  const auto where = [&](bool is_one) { return is_one ? Value(value) : std::nullopt; };
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      return where(value.isTensor());
    case c10::TypeKind::FloatType:
      if (value.isInt()) return c10::IValue(static_cast<double>(value.toInt()));
      return where(value.isDouble());
    case c10::TypeKind::NumberType:
      return where(value.isInt() || value.isDouble() || value.isComplexDouble());
    case c10::TypeKind::ListType:
      return list_of_type(value, type->expectRef<c10::ListType>().getElementType());
    case c10::TypeKind::DictType:
      return dict_of_type(value, type->expectRef<c10::DictType>());
    case c10::TypeKind::TupleType:
      return tuple_of_type(value, type->expect<c10::TupleType>());
    case c10::TypeKind::OptionalType:
      return value.isNone() ? Value(value) : of_type(value, type->expectRef<c10::OptionalType>().getElementType());
    case c10::TypeKind::UnionType:
      return first_of(value, type->expectRef<c10::UnionType>().containedTypes());
    case c10::TypeKind::AnyType:
      return value;
    default:
      return where(!value.isTensor() && value.type()->isSubtypeOf(*type));
  }
}

}  // namespace

std::vector<c10::IValue> as_declared(const c10::FunctionSchema& schema, std::vector<c10::IValue> arguments) {
  const std::span<const c10::Argument> declared = schema.arguments();
  const size_t most = declared.size() - 1;  // without the module itself
  const auto needed = static_cast<size_t>(
      std::count_if(declared.begin() + 1, declared.end(), [](const c10::Argument& a) { return !a.default_value(); }));
  if (arguments.size() < needed || arguments.size() > most) {
    std::string taken;
    for (const c10::Argument& argument : declared.subspan(1)) {
      taken += (taken.empty() ? "" : ", ") + argument.name() + ": " + argument.type()->annotation_str();
    }
    throw InvalidInput("forward takes " + std::to_string(needed) +
                           (most == needed ? "" : " to " + std::to_string(most)) + " inputs (" + taken + "), got " +
                           std::to_string(arguments.size()),
                       ErrorCode::kModelArguments);
  }
  for (size_t i = 0; i < arguments.size(); ++i) {
    const c10::Argument& argument = declared[i + 1];
    Value converted = of_type(arguments[i], argument.type());
    if (!converted) {
      throw InvalidInput(
          "forward takes a " + argument.type()->annotation_str() + " as " + argument.name() + ", got a " +
              arguments[i].tagKind() +
              (arguments[i].isTensor() ? ", or an Input; say what it takes with tracejet::arguments()" : ""),
          ErrorCode::kModelArguments);
    }
    arguments[i] = *std::move(converted);
  }
  return arguments;
}

}  // namespace tracejet::torchscript
