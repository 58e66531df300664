#pragma once

#include <c10/core/Scalar.h>
#include <c10/core/ScalarType.h>

#include "ir/call.h"

/// Which dtype the result of mixed operands has.
namespace tracejet::promotion {

/// Gathers operands one by one. Three kinds count for less and less: tensors with axes, 0-dim tensors, plain numbers;
/// a lesser kind only changes the result if its category (bool, integer, real, complex) is higher.
class ResultType {
 public:
  ResultType& add(const TensorMeta& tensor);
  ResultType& add(const c10::Scalar& number);
  /// An argument that is a tensor or a number; None adds nothing.
  ResultType& add(const Call& call, std::string_view argument);
  at::ScalarType get() const;

 private:
  at::ScalarType tensors_ = at::ScalarType::Undefined;
  at::ScalarType scalars_ = at::ScalarType::Undefined;  ///< 0-dim tensors
  at::ScalarType numbers_ = at::ScalarType::Undefined;
};

/// The dtype torch gives a tensor made of this number: the default dtype for a float, int64 for an integer.
at::ScalarType type_of(const c10::Scalar& number);
/// Integers and bools become the default dtype.
at::ScalarType to_float(at::ScalarType dtype);
/// Integers and bools become int64: what sums of them are.
at::ScalarType to_sum(at::ScalarType dtype);
/// complex64 becomes float32, and so on; others stay.
at::ScalarType to_real(at::ScalarType dtype);
/// What `dtype` is computed in: float32 for the 16-bit floats, itself otherwise.
at::ScalarType to_computation(at::ScalarType dtype);

}  // namespace tracejet::promotion
