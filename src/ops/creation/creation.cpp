// Operators that make tensors out of nothing but their sizes and numbers.
// PyTorch: aten/src/ATen/native/TensorFactories.cpp, aten/src/ATen/native/RangeUtils.h (compute_arange_size).
#include <cmath>

#include <c10/core/DefaultDtype.h>
#include <c10/core/SymFloat.h>

#include "ops/creation/decompositions.h"
#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/shape/promotion.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

c10::Device device_of(const Call& call) { return call.device().value_or(c10::Device(c10::kCPU)); }

at::ScalarType dtype_of(const Call& call) { return call.dtype().value_or(c10::get_default_dtype_as_scalartype()); }

/// Sizes given by the argument `size`, filled with whatever it is.
Metas sized(const Call& call) {
  const auto format = call.declares("memory_format") ? call.memory_format() : std::nullopt;
  return {shape::in_format(call.sym_ints("size"), format.value_or(c10::MemoryFormat::Contiguous), dtype_of(call),
                           device_of(call))};
}

Metas full(const Call& call) {
  const auto dtype = call.dtype().value_or(promotion::type_of(call.scalar("fill_value")));
  return {shape::contiguous(call.sym_ints("size"), dtype, device_of(call))};
}

Metas scalar_tensor(const Call& call) { return {shape::contiguous({}, dtype_of(call), device_of(call))}; }

// arange -------------------------------------------------------------------------------------------------------------

bool is_integer(const c10::Scalar& number) { return number.isIntegral(/*includeBool=*/true); }

c10::SymInt as_sym_int(const c10::Scalar& number) { return number.isSymbolic() ? number.toSymInt() : number.toLong(); }

c10::SymFloat as_sym_float(const c10::Scalar& number) {
  if (!number.isSymbolic()) return number.toDouble();
  return number.isFloatingPoint() ? number.toSymFloat() : c10::SymFloat(number.toSymInt());
}

c10::SymInt count_integers(const c10::SymInt& start, const c10::SymInt& end, const c10::SymInt& step) {
  if (shape::known_equal(step, 0)) throw ShapeError("arange can't have a step of 0");
  const bool upwards = step.sym_gt(0).guard_bool(__FILE__, __LINE__);
  require(upwards ? step.sym_gt(0) : step.sym_lt(0), [] { return "arange: the step changes its direction"; });
  return upwards ? shape::ceil_div(end - start, step) : shape::ceil_div(start - end, step * -1);
}

c10::SymInt count_floats(const c10::SymFloat& start, const c10::SymFloat& end, const c10::SymFloat& step) {
  const c10::SymFloat count = (end - start) / step;
  if (!count.is_symbolic()) return static_cast<int64_t>(std::ceil(count.as_float_unchecked()));
  return c10::SymInt(count.toSymNodeImpl()->ceil());
}

Metas arange(const Call& call) {
  const auto start = call.scalar("start"), end = call.scalar("end"), step = call.scalar("step");
  const bool integers = is_integer(start) && is_integer(end) && is_integer(step);
  const auto dtype = call.dtype().value_or(integers ? at::kLong : c10::get_default_dtype_as_scalartype());
  const bool symbolic = start.isSymbolic() || end.isSymbolic() || step.isSymbolic();
  const bool exact = integers || (dtype == at::kLong && !symbolic);  // then ATen cuts the numbers off first
  const c10::SymInt count = exact ? count_integers(as_sym_int(start), as_sym_int(end), as_sym_int(step))
                                  : count_floats(as_sym_float(start), as_sym_float(end), as_sym_float(step));
  require(count.sym_ge(0), [] { return "arange: the step leads away from the end"; });
  return {shape::contiguous({count}, dtype, device_of(call))};
}

}  // namespace

std::span<const Operator> creation_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      // Numbers in order
      {.name = "aten::arange", .decompose = expand<&to::arange>},
      {.name = "aten::arange.start", .decompose = expand<&to::arange_start>},
      {.name = "aten::arange.start_step", .meta = arange},
      {.name = "aten::eye", .decompose = expand<&to::eye>},
      {.name = "aten::eye.m", .decompose = expand<&to::eye_m>},
      {.name = "aten::linspace", .decompose = expand<&to::linspace>},
      {.name = "aten::logspace", .decompose = expand<&to::logspace>},
      {.name = "aten::linspace.Tensor_Tensor", .decompose = expand<&to::linspace_tensors>},
      {.name = "aten::linspace.Scalar_Tensor", .decompose = expand<&to::linspace_to_tensor>},
      {.name = "aten::linspace.Tensor_Scalar", .decompose = expand<&to::linspace_from_tensor>},
      {.name = "aten::logspace.Tensor_Tensor", .decompose = expand<&to::logspace_tensors>},
      {.name = "aten::logspace.Scalar_Tensor", .decompose = expand<&to::logspace_to_tensor>},
      {.name = "aten::logspace.Tensor_Scalar", .decompose = expand<&to::logspace_from_tensor>},

      // The same number everywhere
      {.name = "aten::copy", .decompose = expand<&to::copy>},
      {.name = "aten::fill.Scalar", .decompose = expand<&to::fill>},
      {.name = "aten::fill.Tensor", .decompose = expand<&to::fill_tensor>},
      {.name = "aten::full", .meta = full},
      {.name = "aten::full_like", .decompose = expand<&to::full_like>},
      {.name = "aten::new_full", .decompose = expand<&to::new_full>},
      {.name = "aten::new_ones", .decompose = expand<&to::new_ones>},
      {.name = "aten::new_zeros", .decompose = expand<&to::new_zeros>},
      {.name = "aten::ones", .decompose = expand<&to::ones>},
      {.name = "aten::ones_like", .decompose = expand<&to::ones_like>},
      {.name = "aten::scalar_tensor", .meta = scalar_tensor},
      {.name = "aten::zero", .decompose = expand<&to::zero>},
      {.name = "aten::zeros", .decompose = expand<&to::zeros>},
      {.name = "aten::zeros_like", .decompose = expand<&to::zeros_like>},

      // No particular numbers
      {.name = "aten::empty.memory_format", .meta = sized},
      {.name = "aten::empty_like", .decompose = expand<&to::empty_like>},
      {.name = "aten::empty_permuted", .decompose = expand<&to::empty_permuted>},
      {.name = "aten::empty_strided", .decompose = expand<&to::empty_strided>},
      {.name = "aten::new_empty", .decompose = expand<&to::new_empty>},
      {.name = "aten::new_empty_strided", .decompose = expand<&to::new_empty_strided>},
  };
  return table;
}

}  // namespace tracejet
