// PyTorch: aten/src/ATen/native/TensorFactories.cpp, aten/src/ATen/native/RangeFactories.cpp (linspace_out,
// logspace_out), aten/src/ATen/native/Fill.cpp (fill), aten/src/ATen/native/Copy.cpp (copy).
#include "ops/creation/decompositions.h"

#include <algorithm>
#include <numeric>

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/expand.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/permute.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/unsqueeze.h>
#include <ATen/ops/where.h>
#include <c10/core/DefaultDtype.h>

#include "ops/numbers.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

at::TensorOptions options(Type dtype, Device device) {
  return at::TensorOptions()
      .dtype(dtype.value_or(c10::get_default_dtype_as_scalartype()))
      .device(device.value_or(at::Device(at::kCPU)));
}

at::TensorOptions options_like(const at::Tensor& self, Type dtype, Device device) {
  return options(dtype.value_or(self.scalar_type()), device.value_or(self.device()));
}

}  // namespace

// Numbers in order ---------------------------------------------------------------------------------------------------

at::Tensor arange(const at::Scalar& end, Type dtype, Layout layout, Device device, Flag pin_memory) {
  return at::arange(0, end, 1, dtype, layout, device, pin_memory);
}

at::Tensor arange_start(const at::Scalar& start, const at::Scalar& end, Type dtype, Layout layout, Device device,
                        Flag pin_memory) {
  return at::arange(start, end, 1, dtype, layout, device, pin_memory);
}

at::Tensor eye(c10::SymInt n, Type dtype, Layout layout, Device device, Flag pin_memory) {
  return eye_m(n, n, dtype, layout, device, pin_memory);
}

at::Tensor eye_m(c10::SymInt n, c10::SymInt m, Type dtype, Layout /*layout*/, Device device, Flag /*pin_memory*/) {
  const auto given = options(dtype, device);
  const auto count_to = [&](const c10::SymInt& size) { return at::arange(at::Scalar(size), given.dtype(at::kLong)); };
  return at::eq(at::unsqueeze(count_to(n), 1), count_to(m)).to(given.dtype());
}

namespace {

/// What is behind the point of an end of a range is lost before anything is computed, if the range has integers.
c10::SymFloat number_in(const at::Scalar& number, bool is_integral) {
  if (number.isSymInt()) return number.toSymInt();
  return is_integral ? c10::SymFloat(static_cast<double>(number.toLong())) : number.toSymFloat();
}

}  // namespace

at::Tensor linspace(const at::Scalar& start, const at::Scalar& end, int64_t steps, Type dtype, Layout /*layout*/,
                    Device device, Flag /*pin_memory*/) {
  const auto given = options(dtype, device);
  if (steps == 1) return at::full(at::IntArrayRef(1), start, given);
  const auto result = c10::typeMetaToScalarType(given.dtype());
  const bool is_integral = c10::isIntegralType(result, /*includeBool=*/true);
  const auto inner = given.dtype(is_integral ? at::kDouble : result);
  const c10::SymFloat first = number_in(start, is_integral), last = number_in(end, is_integral);
  const c10::SymFloat step = (last - first) / static_cast<double>(std::max<int64_t>(steps - 1, 1));
  // Counted from both ends, so that both are hit exactly.
  const at::Tensor index = at::arange(steps, inner);
  const at::Tensor from_start = at::add(at::mul(index, step), first);
  const at::Tensor back = at::rsub(index, static_cast<double>(steps - 1));
  const at::Tensor from_end = at::rsub(at::mul(back, step), last);
  return at::where(at::lt(index, static_cast<double>(steps) / 2), from_start, from_end).to(result);
}

at::Tensor logspace(const at::Scalar& start, const at::Scalar& end, int64_t steps, double base, Type dtype,
                    Layout layout, Device device, Flag pin_memory) {
  const auto result = c10::typeMetaToScalarType(options(dtype, device).dtype());
  if (!c10::isIntegralType(result, /*includeBool=*/true)) {
    return at::pow(base, at::linspace(start, end, steps, dtype, layout, device, pin_memory));
  }
  const auto exponents =
      at::linspace(number_in(start, true), number_in(end, true), steps, at::kDouble, layout, device, pin_memory);
  return at::pow(base, exponents).to(result);
}

namespace {

at::Tensor as_tensor(const at::Scalar& number, const at::Tensor& like) {
  return at::full(at::IntArrayRef{}, number, like.options().dtype(at::kDouble));
}

}  // namespace

at::Tensor linspace_tensors(const at::Tensor& start, const at::Tensor& end, int64_t steps, Type dtype,
                            Layout /*layout*/, Device device, Flag /*pin_memory*/) {
  require(start.dim() == 0 && end.dim() == 0, [&] {
    return "start is " + shape::text(start.sym_sizes()) + " and end is " + shape::text(end.sym_sizes()) +
           ", expected tensors without axes";
  });
  const auto given = options(dtype, device.value_or(start.device()));
  const auto result = c10::typeMetaToScalarType(given.dtype());
  const auto inner = given.dtype(at::kDouble);
  const bool is_integral = c10::isIntegralType(result, /*includeBool=*/true);
  const auto ending = [&](const at::Tensor& tensor) { return (is_integral ? tensor.to(result) : tensor).to(inner); };
  const at::Tensor first = ending(start), last = ending(end), index = at::arange(steps, inner);
  const at::Tensor step = (last - first) / static_cast<double>(std::max<int64_t>(steps - 1, 1));
  // Counted from both ends, so that both are hit exactly.
  const at::Tensor from_end = last - at::rsub(index, static_cast<double>(steps - 1)) * step;
  const bool is_single = steps == 1;
  const at::Tensor numbers =
      is_single ? first + index
                : at::where(at::lt(index, static_cast<double>(steps) / 2), first + index * step, from_end);
  return numbers.to(result);
}

at::Tensor linspace_to_tensor(const at::Scalar& start, const at::Tensor& end, int64_t steps, Type dtype, Layout layout,
                              Device device, Flag pin_memory) {
  return linspace_tensors(as_tensor(start, end), end, steps, dtype, layout, device, pin_memory);
}

at::Tensor linspace_from_tensor(const at::Tensor& start, const at::Scalar& end, int64_t steps, Type dtype,
                                Layout layout, Device device, Flag pin_memory) {
  return linspace_tensors(start, as_tensor(end, start), steps, dtype, layout, device, pin_memory);
}

at::Tensor logspace_tensors(const at::Tensor& start, const at::Tensor& end, int64_t steps, double base, Type dtype,
                            Layout layout, Device device, Flag pin_memory) {
  const auto result = dtype.value_or(c10::get_default_dtype_as_scalartype());
  const bool is_integral = c10::isIntegralType(result, /*includeBool=*/true);
  const auto ending = [&](const at::Tensor& tensor) { return is_integral ? tensor.to(result) : tensor; };
  const at::Tensor exponents =
      linspace_tensors(ending(start), ending(end), steps, at::kDouble, layout, device, pin_memory);
  return at::pow(base, exponents).to(result);
}

at::Tensor logspace_to_tensor(const at::Scalar& start, const at::Tensor& end, int64_t steps, double base, Type dtype,
                              Layout layout, Device device, Flag pin_memory) {
  return logspace_tensors(as_tensor(start, end), end, steps, base, dtype, layout, device, pin_memory);
}

at::Tensor logspace_from_tensor(const at::Tensor& start, const at::Scalar& end, int64_t steps, double base, Type dtype,
                                Layout layout, Device device, Flag pin_memory) {
  return logspace_tensors(start, as_tensor(end, start), steps, base, dtype, layout, device, pin_memory);
}

// The same number everywhere -----------------------------------------------------------------------------------------

namespace {

/// A tensor whose axes lie in memory in this order, outermost first. `make` gives a row-major one of some sizes.
template <typename Make>
at::Tensor in_order(c10::SymIntArrayRef size, at::IntArrayRef order, const Make& make) {
  std::vector<int64_t> axes(size.size());
  std::iota(axes.begin(), axes.end(), 0);
  require(std::ranges::is_permutation(order, axes), [&] {
    return "the axes of " + shape::text(size) + " in memory are " + c10::str(order) + ", expected each of them once";
  });
  std::vector<c10::SymInt> physical;
  std::vector<int64_t> place(size.size());
  for (size_t i = 0; i < order.size(); ++i) {
    physical.push_back(size[order[i]]);
    place[order[i]] = static_cast<int64_t>(i);
  }
  const at::Tensor dense = make(physical);
  return std::is_sorted(order.begin(), order.end()) ? dense : at::permute(dense, place);
}

/// The order of axes with these strides, outermost first.
std::vector<int64_t> order_by(c10::SymIntArrayRef stride) {
  std::vector<int64_t> order(stride.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return shape::layout_less(stride[b], stride[a]); });
  return order;
}

/// A tensor of the sizes of another one that lies in memory as the operators ending in `_like` say.
template <typename Make>
at::Tensor laid_out_like(const at::Tensor& self, Format format, const Make& make) {
  switch (format.value_or(at::MemoryFormat::Preserve)) {
    case at::MemoryFormat::Preserve:
      return in_order(self.sym_sizes(), order_by(self.sym_strides()), make);
    case at::MemoryFormat::ChannelsLast:
      return in_order(self.sym_sizes(), {0, 2, 3, 1}, make);
    case at::MemoryFormat::ChannelsLast3d:
      return in_order(self.sym_sizes(), {0, 2, 3, 4, 1}, make);
    default:
      return make(self.sym_sizes());
  }
}

at::Tensor filled_like(const at::Tensor& self, const at::Scalar& value, Type dtype, Device device, Format format) {
  return laid_out_like(self, format, [&](c10::SymIntArrayRef size) {
    return at::full_symint(size, value, options_like(self, dtype, device));
  });
}

}  // namespace

namespace {

bool has_strides(const at::Tensor& tensor, c10::SymIntArrayRef strides) {
  for (size_t axis = 0; axis < strides.size(); ++axis) {
    const bool is_of_no_concern = shape::is_one(tensor.sym_sizes()[axis]);
    if (!is_of_no_concern && !shape::known_equal(tensor.sym_strides()[axis], strides[axis])) return false;
  }
  return true;
}

/// What is written to lies in memory as before, for whoever asks; of a part of a tensor, nobody can.
at::Tensor laid_out_like(const at::Tensor& self, const at::Tensor& value) {
  const auto strides = self.sym_strides();
  if (has_strides(value, strides) || !shape::is_dense(shape::describe(self))) return value;
  std::vector<int64_t> order(strides.size()), back(strides.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](int64_t a, int64_t b) { return shape::layout_less(strides[b], strides[a]); });
  for (size_t i = 0; i < order.size(); ++i) back[order[i]] = static_cast<int64_t>(i);
  if (std::ranges::is_sorted(order)) return at::clone(value, c10::MemoryFormat::Contiguous);
  return at::clone(value.permute(order), c10::MemoryFormat::Contiguous).permute(back);
}

}  // namespace

at::Tensor copy(const at::Tensor& self, const at::Tensor& src, bool /*non_blocking*/) {
  return laid_out_like(self, src.to(self.options()).expand_symint(self.sym_sizes()));
}

at::Tensor fill(const at::Tensor& self, const at::Scalar& value) {
  return at::full_symint(self.sym_sizes(), value, options_like(self, {}, {}));
}

at::Tensor fill_tensor(const at::Tensor& self, const at::Tensor& value) { return copy(self, value, false); }

at::Tensor full_like(const at::Tensor& self, const at::Scalar& fill_value, Type dtype, Layout /*layout*/, Device device,
                     Flag /*pin_memory*/, Format memory_format) {
  return filled_like(self, fill_value, dtype, device, memory_format);
}

at::Tensor new_full(const at::Tensor& self, c10::SymIntArrayRef size, const at::Scalar& fill_value, Type dtype,
                    Layout /*layout*/, Device device, Flag /*pin_memory*/) {
  return at::full_symint(size, fill_value, options_like(self, dtype, device));
}

at::Tensor new_ones(const at::Tensor& self, c10::SymIntArrayRef size, Type dtype, Layout /*layout*/, Device device,
                    Flag /*pin_memory*/) {
  return at::full_symint(size, 1, options_like(self, dtype, device));
}

at::Tensor new_zeros(const at::Tensor& self, c10::SymIntArrayRef size, Type dtype, Layout /*layout*/, Device device,
                     Flag /*pin_memory*/) {
  return at::full_symint(size, 0, options_like(self, dtype, device));
}

at::Tensor ones(c10::SymIntArrayRef size, Type dtype, Layout /*layout*/, Device device, Flag /*pin_memory*/) {
  return at::full_symint(size, 1, options(dtype, device));
}

at::Tensor ones_like(const at::Tensor& self, Type dtype, Layout /*layout*/, Device device, Flag /*pin_memory*/,
                     Format memory_format) {
  return filled_like(self, 1, dtype, device, memory_format);
}

at::Tensor zero(const at::Tensor& self) { return at::full_symint(self.sym_sizes(), 0, options_like(self, {}, {})); }

at::Tensor zeros(c10::SymIntArrayRef size, Type dtype, Layout /*layout*/, Device device, Flag /*pin_memory*/) {
  return at::full_symint(size, 0, options(dtype, device));
}

at::Tensor zeros_like(const at::Tensor& self, Type dtype, Layout /*layout*/, Device device, Flag /*pin_memory*/,
                      Format memory_format) {
  return filled_like(self, 0, dtype, device, memory_format);
}

// No particular numbers ----------------------------------------------------------------------------------------------

at::Tensor empty_like(const at::Tensor& self, Type dtype, Layout /*layout*/, Device device, Flag /*pin_memory*/,
                      Format memory_format) {
  return laid_out_like(self, memory_format, [&](c10::SymIntArrayRef size) {
    return at::empty_symint(size, options_like(self, dtype, device));
  });
}

at::Tensor empty_permuted(c10::SymIntArrayRef size, at::IntArrayRef physical_layout, Type dtype, Layout /*layout*/,
                          Device device, Flag /*pin_memory*/) {
  return in_order(size, physical_layout,
                  [&](c10::SymIntArrayRef sizes) { return at::empty_symint(sizes, options(dtype, device)); });
}

at::Tensor empty_strided(c10::SymIntArrayRef size, c10::SymIntArrayRef stride, Type dtype, Layout /*layout*/,
                         Device device, Flag /*pin_memory*/) {
  return empty_permuted(size, order_by(stride), dtype, {}, device, {});
}

at::Tensor new_empty(const at::Tensor& self, c10::SymIntArrayRef size, Type dtype, Layout /*layout*/, Device device,
                     Flag /*pin_memory*/) {
  return at::empty_symint(size, options_like(self, dtype, device));
}

at::Tensor new_empty_strided(const at::Tensor& self, c10::SymIntArrayRef size, c10::SymIntArrayRef stride, Type dtype,
                             Layout layout, Device device, Flag pin_memory) {
  return empty_strided(size, stride, dtype.value_or(self.scalar_type()), layout, device.value_or(self.device()),
                       pin_memory);
}

}  // namespace tracejet::decompositions
