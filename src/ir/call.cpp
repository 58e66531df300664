#include "ir/call.h"

#include <ATen/core/function_schema.h>

#include "base/error.h"
#include "ir/schema.h"
#include "symbolic/context.h"

namespace tracejet {

namespace {

bool is_none(const c10::IValue& value) { return value.isNone() || (value.isTensor() && !value.toTensor().defined()); }

bool is_integer(const c10::IValue& value) { return value.isInt() || value.isSymInt(); }

c10::SymInt as_sym_int(const c10::IValue& value) { return value.isSymInt() ? value.toSymInt() : value.toInt(); }

/// A symbolic integer read as a plain one specialises the trace: that is a guard.
/// A dynamic one is fixed while a shape rule is at work; afterwards, nothing is assumed of a program any more.
std::optional<int64_t> as_integer(const c10::IValue& value) {
  if (!value.isSymInt()) return value.toInt();
  const c10::SymInt& number = value.toSymInt();
  if (symbolic::Context::current() == nullptr) return number.maybe_as_int();
  return number.guard_int(__FILE__, __LINE__);
}

bool all_integers(const c10::IValue& list) {
  if (!list.isList()) return false;
  for (const c10::IValue& element : list.toListRef()) {
    if (!is_integer(element)) return false;
  }
  return true;
}

}  // namespace

std::string Call::name() const { return full_name(op_); }

size_t Call::index(std::string_view name) const {
  const auto& declared = op_.schema().arguments();
  for (size_t i = 0; i < declared.size(); ++i) {
    if (declared[i].name() == name) return i;
  }
  throw Error(this->name() + " has no argument '" + std::string(name) + "'", ErrorCode::kInternalError);
}

bool Call::declares(std::string_view name) const {
  for (const c10::Argument& declared : op_.schema().arguments()) {
    if (declared.name() == name) return true;
  }
  return false;
}

const Argument& Call::argument(std::string_view name) const { return arguments_[index(name)]; }

bool Call::has(std::string_view name) const {
  const auto* constant = std::get_if<c10::IValue>(&argument(name));
  return constant == nullptr || !is_none(*constant);
}

void Call::fail(std::string_view name, std::string_view expected) const {
  const Argument& given = argument(name);
  std::string what = "a list of tensors";
  if (const auto* constant = std::get_if<c10::IValue>(&given)) what = constant->tagKind();
  if (const auto* value = std::get_if<const Value*>(&given))
    what = (*value)->is_tensor() ? "a Tensor" : "a scalar value";
  throw Error(
      this->name() + ": argument '" + std::string(name) + "' is " + what + ", expected " + std::string(expected),
      ErrorCode::kInternalError);
}

const Value& Call::value(std::string_view name) const {
  const auto* value = std::get_if<const Value*>(&argument(name));
  if (value == nullptr || !(*value)->is_tensor()) fail(name, "a Tensor");
  return **value;
}

const Value* Call::optional_value(std::string_view name) const { return has(name) ? &value(name) : nullptr; }

const TensorMeta* Call::optional_tensor(std::string_view name) const {
  const Value* value = optional_value(name);
  return value == nullptr ? nullptr : &value->tensor();
}

std::vector<const Value*> Call::values(std::string_view name) const {
  const Argument& given = argument(name);
  if (const auto* list = std::get_if<std::vector<const Value*>>(&given)) return *list;
  // A list without a single tensor in it ([None, None], or an empty one) is a constant.
  const auto* constant = std::get_if<c10::IValue>(&given);
  if (constant == nullptr || !constant->isList()) fail(name, "a list of tensors");
  for (const c10::IValue& element : constant->toListRef()) {
    if (!is_none(element)) fail(name, "a list of tensors");
  }
  return std::vector<const Value*>(constant->toListRef().size(), nullptr);
}

std::vector<const TensorMeta*> Call::tensors(std::string_view name) const {
  std::vector<const TensorMeta*> metas;
  for (const Value* value : values(name)) metas.push_back(value == nullptr ? nullptr : &value->tensor());
  return metas;
}

bool Call::is_number(std::string_view name) const {
  const Argument& given = argument(name);
  if (const auto* value = std::get_if<const Value*>(&given)) return !(*value)->is_tensor();
  const auto* constant = std::get_if<c10::IValue>(&given);
  return constant != nullptr && constant->isScalar();
}

const c10::IValue& Call::constant(std::string_view name) const {
  const Argument& given = argument(name);
  if (const auto* constant = std::get_if<c10::IValue>(&given)) return *constant;
  if (const auto* value = std::get_if<const Value*>(&given); value != nullptr && !(*value)->is_tensor()) {
    return (*value)->scalar();
  }
  fail(name, "a plain value");
}

c10::SymInt Call::sym_int(std::string_view name) const {
  const c10::IValue& given = constant(name);
  if (!is_integer(given)) fail(name, "an integer");
  return as_sym_int(given);
}

std::optional<c10::SymInt> Call::optional_sym_int(std::string_view name) const {
  return has(name) ? std::optional(sym_int(name)) : std::nullopt;
}

Sizes Call::sym_ints(std::string_view name) const {
  const c10::IValue& given = constant(name);
  if (is_integer(given)) return {as_sym_int(given)};
  if (!all_integers(given)) fail(name, "a list of integers");
  Sizes list;
  for (const c10::IValue& element : given.toListRef()) list.push_back(as_sym_int(element));
  return list;
}

std::optional<Sizes> Call::optional_sym_ints(std::string_view name) const {
  return has(name) ? std::optional(sym_ints(name)) : std::nullopt;
}

Sizes Call::sym_ints(std::string_view name, size_t count) const {
  Sizes list = sym_ints(name);
  if (list.size() == 1) {
    const c10::SymInt only = list[0];
    list.resize(count, only);
  }
  if (list.size() != count) fail(name, "1 or " + std::to_string(count) + " integers");
  return list;
}

int64_t Call::integer(std::string_view name) const {
  const c10::IValue& given = constant(name);
  const auto number = is_integer(given) ? as_integer(given) : std::nullopt;
  if (!number) fail(name, "an integer that every run has");
  return *number;
}

std::vector<int64_t> Call::integers(std::string_view name) const {
  const c10::IValue& given = constant(name);
  if (is_integer(given)) return {integer(name)};
  if (!all_integers(given)) fail(name, "a list of integers");
  std::vector<int64_t> list;
  for (const c10::IValue& element : given.toListRef()) {
    const auto number = as_integer(element);
    if (!number) fail(name, "a list of integers that every run has");
    list.push_back(*number);
  }
  return list;
}

bool Call::flag(std::string_view name) const {
  const c10::IValue& given = constant(name);
  if (given.isSymBool()) return given.toSymBool().guard_bool(__FILE__, __LINE__);
  if (!given.isBool()) fail(name, "a bool");
  return given.toBool();
}

std::vector<bool> Call::flags(std::string_view name) const {
  const c10::IValue& given = constant(name);
  if (!given.isList()) fail(name, "a list of bools");
  std::vector<bool> list;
  for (const c10::IValue& element : given.toListRef()) {
    if (!element.isBool()) fail(name, "a list of bools");
    list.push_back(element.toBool());
  }
  return list;
}

double Call::number(std::string_view name) const {
  const c10::IValue& given = constant(name);
  if (given.isDouble()) return given.toDouble();
  if (given.isSymFloat()) return given.toSymFloat().guard_float(__FILE__, __LINE__);
  if (given.isBool()) return given.toBool() ? 1 : 0;
  if (!is_integer(given)) fail(name, "a real number");
  return static_cast<double>(integer(name));
}

std::optional<double> Call::optional_number(std::string_view name) const {
  return has(name) ? std::optional(number(name)) : std::nullopt;
}

c10::Scalar Call::scalar(std::string_view name) const {
  const c10::IValue& given = constant(name);
  if (!given.isScalar()) fail(name, "a number");
  return given.toScalar();
}

std::optional<at::ScalarType> Call::dtype(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return static_cast<at::ScalarType>(integer(name));
}

std::optional<c10::Device> Call::device(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  const c10::IValue& given = constant(name);
  if (!given.isDevice()) fail(name, "a device");
  return given.toDevice();
}

std::optional<c10::MemoryFormat> Call::memory_format(std::string_view name) const {
  if (!has(name)) return std::nullopt;
  return static_cast<c10::MemoryFormat>(integer(name));
}

std::string_view Call::text(std::string_view name) const {
  const c10::IValue& given = constant(name);
  if (!given.isString()) fail(name, "a string");
  return given.toStringRef();
}

int64_t Call::axis(std::string_view name, int64_t rank) const { return wrapped_axis(name, integer(name), rank); }

std::vector<int64_t> Call::axes(std::string_view name, int64_t rank) const {
  std::vector<int64_t> axes;
  if (!has(name)) return axes;
  for (const int64_t axis : integers(name)) axes.push_back(wrapped_axis(name, axis, rank));
  return axes;
}

int64_t Call::wrapped_axis(std::string_view name, int64_t axis, int64_t rank) const {
  if (const auto wrapped = tracejet::wrapped_axis(axis, rank)) return *wrapped;
  throw ShapeError(this->name() + ": " + std::string(name) + " " + axis_range(axis, rank));
}

std::optional<int64_t> wrapped_axis(int64_t axis, int64_t rank) {
  const int64_t bound = std::max<int64_t>(rank, 1);  // a 0-dim tensor accepts axis 0 and -1
  if (axis < -bound || axis >= bound) return std::nullopt;
  return axis < 0 ? axis + bound : axis;
}

std::string axis_range(int64_t axis, int64_t rank) {
  const int64_t bound = std::max<int64_t>(rank, 1);
  return std::to_string(axis) + " is outside [" + std::to_string(-bound) + ", " + std::to_string(bound - 1) + "]";
}

}  // namespace tracejet
