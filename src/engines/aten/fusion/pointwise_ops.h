#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ir/call.h"

namespace tracejet::aten {

/// An operator that computes each element of its result from elements at the same place, as kernels write it. In
/// `text`, {name} stands for the argument of this name.
struct PointwiseOp {
  /// What its arguments are before it computes.
  enum class In : uint8_t {
    kResult,    ///< of the result's dtype
    kOperands,  ///< of the dtype that `self` and `other` are promoted to
    kTruth,     ///< booleans
  };
  enum class Results : uint8_t { kFloats, kNumbers, kAny };

  std::string_view name;
  std::string_view text;
  Results results = Results::kFloats;
  In in = In::kResult;
};

/// Null for an operator, or a call of one, that kernels aren't written for.
const PointwiseOp* pointwise_op(const Node& node);

/// The dtype that a call computes in.
at::ScalarType computed_in(const PointwiseOp& op, const Node& node);

/// Its text for this call, which may depend on numbers among its arguments.
std::string text_of(const PointwiseOp& op, const Node& node);

/// A number of a program, written in C++.
std::string literal(const c10::Scalar& number, std::string_view type);

}  // namespace tracejet::aten
