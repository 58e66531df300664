// PyTorch: aten/src/ATen/native/TensorFactories.cpp (bartlett_window, blackman_window, hamming_window, hann_window,
// kaiser_window).
#include "ops/creation/window_functions.h"

#include <numbers>

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/full.h>
#include <ATen/ops/i0.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/slice.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/where.h>
#include <c10/core/DefaultDtype.h>

#include "ops/refusal.h"

namespace tracejet::decompositions {

namespace {

/// A symmetric window at the positions 0, 1, … steps: f(positions, steps). A periodic one leaves out the last value, so
/// that copies of it join.
template <typename Function>
at::Tensor window(int64_t length, bool periodic, Type dtype, Device device, Function f) {
  const auto options = at::TensorOptions()
                           .dtype(dtype.value_or(c10::get_default_dtype_as_scalartype()))
                           .device(device.value_or(at::Device(at::kCPU)));
  const auto type = c10::typeMetaToScalarType(options.dtype());
  require(length >= 0, [&] { return "window_length is " + std::to_string(length) + ", expected at least 0"; });
  require(at::isFloatingType(type) || at::isComplexType(type),
          [&] { return std::string("dtype is ") + at::toString(type) + ", expected a floating point one"; });
  if (length < 2) return at::full({length}, 1, options);
  const int64_t steps = periodic ? length : length - 1;
  const at::Tensor values = f(at::arange(steps + 1, options), steps);
  return periodic ? at::slice(values, 0, 0, length) : values;
}

}  // namespace

at::Tensor bartlett_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory) {
  return bartlett_window_periodic(length, /*periodic=*/true, dtype, layout, device, pin_memory);
}

at::Tensor bartlett_window_periodic(int64_t length, bool periodic, Type dtype, Layout, Device device, Flag) {
  return window(length, periodic, dtype, device, [](const at::Tensor& positions, int64_t steps) {
    const at::Tensor rising = positions * (2.0 / static_cast<double>(steps));
    return at::where(at::lt(positions, steps / 2 + 1), rising, at::rsub(rising, 2));
  });
}

at::Tensor blackman_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory) {
  return blackman_window_periodic(length, /*periodic=*/true, dtype, layout, device, pin_memory);
}

at::Tensor blackman_window_periodic(int64_t length, bool periodic, Type dtype, Layout, Device device, Flag) {
  return window(length, periodic, dtype, device, [](const at::Tensor& positions, int64_t steps) {
    const at::Tensor half_angle = positions * (std::numbers::pi / static_cast<double>(steps));
    return at::cos(half_angle * 4) * 0.08 - at::cos(half_angle * 2) * 0.5 + 0.42;
  });
}

at::Tensor hamming_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory) {
  return hamming_window_periodic(length, /*periodic=*/true, dtype, layout, device, pin_memory);
}

at::Tensor hamming_window_periodic(int64_t length, bool periodic, Type dtype, Layout layout, Device device,
                                   Flag pin_memory) {
  return hamming_window_alpha(length, periodic, /*alpha=*/0.54, dtype, layout, device, pin_memory);
}

at::Tensor hamming_window_alpha(int64_t length, bool periodic, double alpha, Type dtype, Layout layout, Device device,
                                Flag pin_memory) {
  return hamming_window_alpha_beta(length, periodic, alpha, /*beta=*/0.46, dtype, layout, device, pin_memory);
}

at::Tensor hamming_window_alpha_beta(int64_t length, bool periodic, double alpha, double beta, Type dtype, Layout,
                                     Device device, Flag) {
  return window(length, periodic, dtype, device, [&](const at::Tensor& positions, int64_t steps) {
    return at::cos(positions * (std::numbers::pi * 2 / static_cast<double>(steps))) * -beta + alpha;
  });
}

at::Tensor hann_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory) {
  return hann_window_periodic(length, /*periodic=*/true, dtype, layout, device, pin_memory);
}

at::Tensor hann_window_periodic(int64_t length, bool periodic, Type dtype, Layout layout, Device device,
                                Flag pin_memory) {
  return hamming_window_alpha_beta(length, periodic, 0.5, 0.5, dtype, layout, device, pin_memory);
}

at::Tensor kaiser_window(int64_t length, Type dtype, Layout layout, Device device, Flag pin_memory) {
  return kaiser_window_periodic(length, /*periodic=*/true, dtype, layout, device, pin_memory);
}

at::Tensor kaiser_window_periodic(int64_t length, bool periodic, Type dtype, Layout layout, Device device,
                                  Flag pin_memory) {
  return kaiser_window_beta(length, periodic, /*beta=*/12, dtype, layout, device, pin_memory);
}

at::Tensor kaiser_window_beta(int64_t length, bool periodic, double beta, Type dtype, Layout, Device device, Flag) {
  return window(length, periodic, dtype, device, [&](const at::Tensor& positions, int64_t steps) {
    const double middle = static_cast<double>(steps) / 2;
    const at::Tensor off_middle = (positions - middle) / middle;
    const at::Tensor height = at::sqrt(at::rsub(off_middle * off_middle, 1));
    return at::i0(height * beta) / at::i0(at::full(at::IntArrayRef{}, beta, positions.options()));
  });
}

}  // namespace tracejet::decompositions
