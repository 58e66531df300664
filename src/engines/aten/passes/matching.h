#pragma once

#include <optional>
#include <string_view>

#include "ir/graph.h"

namespace tracejet::aten {

/// A call of two tensors, or of a tensor and a number, in either order.
struct Operands {
  const Value* tensor;
  const Value* other;            ///< null where it is a number
  std::optional<double> number;  ///< where it is one that is known
};

/// The operands of `aten::mul.Tensor` or `aten::add.Tensor` (without a factor) that gives `value`; nullopt where
/// something else does.
std::optional<Operands> product(const Value& value);
std::optional<Operands> sum(const Value& value);

/// What a call multiplies by, or adds, this number; null where it isn't such a call.
const Value* times(const Value& value, double number);
const Value* plus(const Value& value, double number);

/// The argument "self" of a call by this operator that gives `value`; null where something else does.
const Value* self_of(const Value& value, std::string_view name);

/// What is copied to another dtype, or the value itself.
const Value& before_cast(const Value& value, at::ScalarType to);

}  // namespace tracejet::aten
