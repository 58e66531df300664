#pragma once

#include <string_view>
#include <vector>

#include "ir/call.h"
#include "ops/shape/promotion.h"
#include "ops/shape/shape.h"

/// Shape rules that the families of pointwise operators share.
namespace tracejet::pointwise {

using Metas = std::vector<TensorMeta>;

/// What becomes of the promoted dtype of the operands.
enum class Result {
  kSame,
  kFloat,  ///< integers become the default float
  kBool,
};

inline at::ScalarType result_of(Result result, at::ScalarType promoted) {
  switch (result) {
    case Result::kSame:
      return promoted;
    case Result::kFloat:
      return promotion::to_float(promoted);
    case Result::kBool:
      return at::kBool;
  }
  return promoted;
}

/// An operand of pointwise(): null for a plain number.
inline const TensorMeta* operand(const Call& call, std::string_view name) {
  return call.is_number(name) ? nullptr : call.optional_tensor(name);
}

template <Result result>
Metas unary(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::pointwise({&self}, result_of(result, self.dtype))};
}

template <Result result>
Metas binary_of(const Call& call, std::string_view first, std::string_view second) {
  const auto promoted = promotion::ResultType().add(call, first).add(call, second).get();
  return {shape::pointwise({operand(call, first), operand(call, second)}, result_of(result, promoted))};
}

template <Result result>
Metas binary(const Call& call) {
  return binary_of<result>(call, "self", "other");
}

}  // namespace tracejet::pointwise
