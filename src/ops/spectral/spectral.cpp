// Fourier transforms. ATen's composites of short-time ones look at plain sizes and at the window's data.
// PyTorch: aten/src/ATen/native/mkl/SpectralOps.cpp (_fft_c2c_mkl, _fft_c2r_mkl, _fft_r2c_mkl),
// aten/src/ATen/native/SpectralOps.cpp (stft, istft), aten/src/ATen/native/TensorFactories.cpp (bartlett_window,
// hann_window), aten/src/ATen/native/TensorCompare.cpp (_assert_async).
#include <algorithm>
#include <numeric>

#include "ops/creation/window_functions.h"
#include "ops/families.h"
#include "ops/shape/order.h"
#include "ops/spectral/decompositions.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

/// The axes that aren't transformed lie outside, in the order in which they do in the input.
TensorMeta transformed(const TensorMeta& self, Sizes sizes, std::span<const int64_t> axes, at::ScalarType dtype) {
  std::vector<size_t> order(self.sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto is_batch = [&](size_t axis) { return std::ranges::find(axes, static_cast<int64_t>(axis)) == axes.end(); };
  const auto inner = std::stable_partition(order.begin(), order.end(), is_batch);
  std::stable_sort(order.begin(), inner,
                   [&](size_t a, size_t b) { return shape::layout_less(self.strides[b], self.strides[a]); });
  Sizes strides = shape::packed_strides({order.rbegin(), order.rend()}, sizes);
  const shape::Order batch{std::make_reverse_iterator(inner), order.rend()};
  TensorMeta result = shape::strided(std::move(sizes), std::move(strides), dtype, self.device);
  result.strides_may_differ = self.strides_may_differ || (self.is_symbolic() && !shape::surely_has(self, batch));
  return result;
}

Metas real_to_complex(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const auto axes = call.axes("dim", self.dim());
  Sizes sizes = self.sizes;
  c10::SymInt& last = sizes[static_cast<size_t>(axes.back())];
  if (call.flag("onesided")) last = last / 2 + 1;
  return {transformed(self, std::move(sizes), axes, c10::toComplexType(self.dtype))};
}

Metas complex_to_complex(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {transformed(self, self.sizes, call.axes("dim", self.dim()), self.dtype)};
}

/// A check when the program runs.
Metas nothing(const Call&) { return {}; }

Metas complex_to_real(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const auto axes = call.axes("dim", self.dim());
  Sizes sizes = self.sizes;
  sizes[static_cast<size_t>(axes.back())] = call.sym_int("last_dim_size");
  const std::span<const int64_t> all(axes), last = all.last(1), before = all.first(all.size() - 1);
  const TensorMeta complex = before.empty() ? self : transformed(self, self.sizes, before, self.dtype);
  return {transformed(complex, std::move(sizes), last, c10::toRealValueType(self.dtype))};
}

}  // namespace

std::span<const Operator> spectral_operators() {
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::_fft_r2c", .meta = real_to_complex},
      {.name = "aten::_fft_c2r", .meta = complex_to_real},
      {.name = "aten::_fft_c2c", .meta = complex_to_complex},
      {.name = "aten::_assert_async.msg", .meta = nothing},
      {.name = "aten::stft.center", .decompose = expand<&as::stft>},
      {.name = "aten::istft", .decompose = expand<&as::istft>},

      // Windows
      {.name = "aten::bartlett_window", .decompose = expand<&as::bartlett_window>},
      {.name = "aten::bartlett_window.periodic", .decompose = expand<&as::bartlett_window_periodic>},
      {.name = "aten::blackman_window", .decompose = expand<&as::blackman_window>},
      {.name = "aten::blackman_window.periodic", .decompose = expand<&as::blackman_window_periodic>},
      {.name = "aten::hamming_window", .decompose = expand<&as::hamming_window>},
      {.name = "aten::hamming_window.periodic", .decompose = expand<&as::hamming_window_periodic>},
      {.name = "aten::hamming_window.periodic_alpha", .decompose = expand<&as::hamming_window_alpha>},
      {.name = "aten::hamming_window.periodic_alpha_beta", .decompose = expand<&as::hamming_window_alpha_beta>},
      {.name = "aten::hann_window", .decompose = expand<&as::hann_window>},
      {.name = "aten::hann_window.periodic", .decompose = expand<&as::hann_window_periodic>},
      {.name = "aten::kaiser_window", .decompose = expand<&as::kaiser_window>},
      {.name = "aten::kaiser_window.periodic", .decompose = expand<&as::kaiser_window_periodic>},
      {.name = "aten::kaiser_window.beta", .decompose = expand<&as::kaiser_window_beta>},
  };
  return table;
}

}  // namespace tracejet
