#include "verify/comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_or.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/view_as_real.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "base/error.h"

namespace tracejet {

namespace {

at::Tensor tensor_of(const c10::IValue& value) {
  if (value.isTensor()) return value.toTensor();
  if (value.isScalar() || value.isBool())
    return at::scalar_tensor(value.toScalar(), value.isDouble() ? at::kDouble : at::kLong);
  throw Error("a program's output is neither a tensor nor a number: " + value.tagKind());
}

at::Tensor on_cpu(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.detach().to(at::kCPU);
  return plain.is_complex() ? at::view_as_real(plain.resolve_conj()) : plain;
}

std::string text_of(at::IntArrayRef sizes) {
  std::ostringstream out;
  out << sizes;
  return out.str();
}

std::string text_of(const at::Tensor& element) {
  if (!element.is_floating_point()) return std::to_string(element.item().toLong());
  const double number = element.item().toDouble();
  if (std::isnan(number)) return "nan";  // without a sign
  std::ostringstream out;
  out.precision(std::numeric_limits<float>::max_digits10);
  out << number;
  return out.str();
}

std::vector<int64_t> position_of(int64_t index, at::IntArrayRef sizes) {
  std::vector<int64_t> position(sizes.size());
  for (size_t axis = sizes.size(); axis-- > 0;) {
    position[axis] = index % sizes[axis];
    index /= sizes[axis];
  }
  return position;
}

struct Differences {
  at::Tensor error;    // of each element; infinite where one of the two isn't a number
  at::Tensor allowed;  // what is rounding
  double largest_expected;
};

Differences differences_of_floats(const at::Tensor& expected, const at::Tensor& got, double rounding) {
  const at::Tensor want = expected.to(at::kDouble), have = got.to(at::kDouble);
  const at::Tensor same = at::logical_or(want == have, at::logical_and(at::isnan(want), at::isnan(have)));
  const at::Tensor finite = at::logical_and(at::isfinite(want), at::isfinite(have));
  const at::Tensor size = at::where(at::isfinite(want), want.abs(), 0.0);
  const double mean = size.sum().item().toDouble() / std::max<double>(1, at::isfinite(want).sum().item().toDouble());
  const at::Tensor error = at::where(same, 0.0, at::where(finite, (have - want).abs(), INFINITY));
  return {error, (size + (mean + 0.01)) * rounding, size.max().item().toDouble()};
}

Differences differences_of_integers(const at::Tensor& expected, const at::Tensor& got) {
  const at::Tensor want = expected.to(at::kDouble);
  // At least 1: integers beyond 2^53 are alike as doubles.
  const at::Tensor error = at::where(at::eq(expected, got), 0.0, (got.to(at::kDouble) - want).abs().clamp_min(1.0));
  return {error, at::zeros_like(error), want.abs().max().item().toDouble()};
}

Comparison differs(std::string problem) {
  return {false, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(), std::move(problem)};
}

}  // namespace

double rounding_of(at::ScalarType dtype, at::ScalarType precision) {
  const auto own = [](at::ScalarType type) {
    switch (type) {
      case at::kDouble:
      case at::kComplexDouble:
        return 1e-9;
      case at::kHalf:
        return 1e-2;
      case at::kBFloat16:
        return 3e-2;
      default:
        return 1e-4;
    }
  };
  const bool is_float32 = dtype == at::kFloat || dtype == at::kComplexFloat;
  return is_float32 ? std::max(own(dtype), own(precision)) : own(dtype);
}

Comparison compare(const c10::IValue& expected_value, const c10::IValue& got_value, double rounding, bool as_numbers) {
  if (expected_value.isNone() && got_value.isNone()) return {};
  if (expected_value.isNone() || got_value.isNone()) return differs("one of the two is None");
  at::Tensor expected = tensor_of(expected_value), got = tensor_of(got_value);
  if (expected.sizes() != got.sizes()) {
    return differs("expected the shape " + text_of(expected.sizes()) + ", got " + text_of(got.sizes()));
  }
  if (expected.scalar_type() != got.scalar_type()) {
    if (!as_numbers) {
      return differs(std::string("expected ") + c10::toString(expected.scalar_type()) + ", got " +
                     c10::toString(got.scalar_type()));
    }
    got = got.to(expected.scalar_type());
  }
  expected = on_cpu(expected);
  got = on_cpu(got);
  if (expected.numel() == 0 || at::equal(expected, got)) return {};

  const Differences found = expected.is_floating_point() ? differences_of_floats(expected, got, rounding)
                                                         : differences_of_integers(expected, got);
  Comparison result;
  result.absolute = found.error.max().item().toDouble();
  result.relative = result.absolute / std::max(found.largest_expected, std::numeric_limits<double>::min());
  const at::Tensor beyond = (found.error - found.allowed).flatten();
  if (beyond.max().item().toDouble() <= 0) return result;
  result.is_equal = false;
  const int64_t worst = beyond.argmax().item().toLong();
  result.problem = "at " + text_of(position_of(worst, expected.sizes())) + ": expected " +
                   text_of(expected.flatten()[worst]) + ", got " + text_of(got.flatten()[worst]);
  return result;
}

}  // namespace tracejet
