#include "capture/held_numbers.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include <ATen/ops/zeros.h>
#include <c10/core/ScalarType.h>

#include "base/error.h"
#include "base/largest_number.h"
#include "capture/keys.h"
#include "capture/tensor_arguments.h"
#include "ir/size_expression.h"
#include "ops/refusal.h"

namespace tracejet {

namespace {

constexpr const char* kInstead = "\nUse one that the dtype holds: infinity, or the dtype's largest number";

/// Whether the kernel has to be asked: infinity is held by floats, NaN by no integer.
bool may_be_beyond(double number, at::ScalarType dtype) {
  if (!std::isfinite(number)) return at::isIntegralType(dtype, /*includeBool=*/false);
  return std::abs(number) > largest_number(dtype) || (number < 0 && dtype == at::kByte);
}

/// The least dtype that the number would have to fit.
std::optional<at::ScalarType> narrowest_dtype(const c10::OperatorHandle& op, std::span<const c10::IValue> arguments) {
  std::optional<at::ScalarType> narrowest;
  const auto note = [&](at::ScalarType dtype) {
    if (!narrowest || largest_number(dtype) < largest_number(*narrowest)) narrowest = dtype;
  };
  for (size_t i = 0; i < arguments.size(); ++i) {
    for_each_tensor(arguments[i], [&](const at::Tensor& tensor) { note(tensor.scalar_type()); });
    if (op.schema().arguments()[i].name() == "dtype" && arguments[i].isInt())
      note(static_cast<at::ScalarType>(arguments[i].toInt()));
  }
  return narrowest;
}

/// One element in the place of each tensor, and 1 in that of a symbolic number.
c10::IValue small(c10::IValue argument) {
  map_tensors(argument, [](const at::Tensor& tensor) {
    return at::zeros(std::vector<int64_t>(static_cast<size_t>(tensor.dim()), 1), tensor.scalar_type());
  });
  if (argument.isSymInt()) return int64_t{1};
  if (argument.isSymIntList()) {
    std::vector<int64_t> sizes;
    for (const c10::SymInt& size : argument.toSymIntVector()) sizes.push_back(size.maybe_as_int().value_or(1));
    return sizes;
  }
  return argument;
}

/// What eager's kernel says to such arguments; nullopt where it takes them.
std::optional<std::string> refusal_of(const c10::OperatorHandle& op, torch::jit::Stack arguments) {
  try {
    op.callBoxed(arguments);
  } catch (const std::exception& error) {
    return said_by(error);
  }
  return std::nullopt;
}

/// What it says to a number in the place of one of the arguments, where that is all that it minds.
std::optional<std::string> refusal_of_number(const c10::OperatorHandle& op, std::span<const c10::IValue> arguments,
                                             size_t place, const c10::IValue& number) {
  const ExcludeTracingGuard guard;
  torch::jit::Stack probe;
  for (const c10::IValue& argument : arguments) probe.push_back(small(argument));
  probe[place] = number;
  auto refusal = refusal_of(op, probe);
  probe[place] = number.isDouble() ? c10::IValue(1.0) : c10::IValue(int64_t{1});
  return refusal && !refusal_of(op, probe) ? refusal : std::nullopt;
}

/// Demands of a size that the dtype holds it, where the kernel does.
void hold_within(at::ScalarType dtype, const c10::OperatorHandle& op, std::span<const c10::IValue> arguments,
                 size_t place) {
  const c10::SymInt number = arguments[place].toSymInt();
  const auto limit = static_cast<int64_t>(std::min(largest_number(dtype), 0x1p62));
  if (expression_of(number).range().max <= limit) return;
  // The next number may be rounded to the last that is held.
  const auto refusal = refusal_of_number(op, arguments, place, limit * 2);
  if (!refusal) return;
  require(number.sym_le(limit), [&] {
    return "eager PyTorch refuses such a number " + op.schema().arguments()[place].name() + ": " + *refusal + kInstead;
  });
}

}  // namespace

bool is_any_number(const c10::Argument& declared) {
  c10::TypePtr type = declared.real_type();
  if (const auto optional = type->cast<c10::OptionalType>()) type = optional->getElementType();
  return type->kind() == c10::TypeKind::NumberType;
}

void refuse_numbers_beyond_dtype(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  const std::span<const c10::IValue> arguments = arguments_on(stack, op);
  const auto& declared = op.schema().arguments();
  std::optional<at::ScalarType> dtype;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const c10::IValue& given = arguments[i];
    if (!is_any_number(declared[i]) || !(given.isDouble() || given.isInt() || given.isSymInt())) continue;
    if (!dtype) dtype = narrowest_dtype(op, arguments);
    if (!dtype) return;
    if (given.isSymInt()) {
      if (at::elementSize(*dtype) <= 2) hold_within(*dtype, op, arguments, i);
    } else if (may_be_beyond(given.toScalar().toDouble(), *dtype)) {
      const auto refusal = refusal_of_number(op, arguments, i, given);
      if (!refusal) continue;
      throw Error("eager PyTorch refuses the number " + declared[i].name() + " here: " + *refusal + kInstead,
                  ErrorCode::kPyTorchRefusal);
    }
  }
}

}  // namespace tracejet
