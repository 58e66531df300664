#include <ATen/TensorOperators.h>
#include <ATen/ops/complex.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

constexpr int64_t kSize = 8, kStep = 2, kWindow = 6;

at::Tensor frequencies(int64_t count, int64_t frames) {
  const at::Tensor real = floats({2, count, frames});
  return at::complex(real, real * 0.5 + 0.1);
}

Stacks real_to_complex() {
  const c10::List<int64_t> last({2});
  return {
      {floats({2, 3, 8}), last, 0, true},
      {floats({2, 3, 8}), last, 1, false},
      {floats({3, 2, 8}).transpose(0, 1), last, 0, true},
      {floats({2, 20}).unfold(1, 8, 2), last, 0, true},
  };
}

Stacks complex_to_real() {
  const c10::List<int64_t> last({2});
  return {
      {frequencies(3, 5), last, 2, 8},
      {frequencies(5, 3).transpose(1, 2), last, 0, 9},
      {frequencies(3, 5), c10::List<int64_t>({0, 2}), 1, 8},
  };
}

Stacks complex_to_complex() {
  const c10::List<int64_t> last({2});
  return {{frequencies(3, 5), last, 0, true}, {frequencies(5, 3).transpose(1, 2), last, 2, false}};
}

Stacks assertion() { return {{floats({1}).abs() > 0, "must hold"}}; }

Stacks stft() {
  const at::Tensor window = floats({kWindow}) + 2;
  const at::Tensor complex = at::complex(floats({2, 20}), floats({2, 20}) * 0.3);
  return {
      {floats({2, 20}), kSize, kStep, kWindow, window, true, "reflect", false, none, true, none},
      {floats({20}), kSize, none, none, none, false, "constant", true, false, false, none},
      {floats({2, 20}), kSize, kStep, kWindow, none, false, "reflect", false, none, true, none},
      {complex, kSize, kStep, none, none, true, "constant", false, none, none, none},
  };
}

Stacks istft() {
  const at::Tensor window = floats({kWindow}).abs() + 1;
  return {
      {frequencies(kSize / 2 + 1, 7), kSize, kStep, kWindow, window, true, false, none, none, false},
      {frequencies(kSize / 2 + 1, 7).select(0, 0), kSize, kStep, none, none, true, true, true, 30, false},
      {frequencies(kSize, 7), kSize, kStep, none, none, false, false, none, none, true},
      {frequencies(kSize, 7), kSize, kStep, none, none, true, false, false, 5, false},
  };
}

// Windows ------------------------------------------------------------------------------------------------------------

/// Of these lengths and dtypes, with the given arguments between.
Stacks windows(const std::vector<c10::IValue>& between) {
  Stacks calls;
  for (const int64_t length : {0, 1, 2, 7, 8}) {
    for (const c10::IValue& dtype : {none, type(at::kDouble)}) {
      torch::jit::Stack& call = calls.emplace_back();
      call.emplace_back(length);
      call.insert(call.end(), between.begin(), between.end());
      call.insert(call.end(), {dtype, none, none, none});
    }
  }
  return calls;
}

Stacks window() { return windows({}); }
Stacks window_periodic() { return join({windows({true}), windows({false})}); }
Stacks window_with_number() { return join({windows({true, 0.6}), windows({false, 8.0})}); }
Stacks window_with_numbers() { return join({windows({true, 0.6, 0.4}), windows({false, 0.5, 0.3})}); }

}  // namespace

std::span<const OperatorSamples> spectral_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::_fft_r2c", real_to_complex},
      {"aten::_fft_c2r", complex_to_real},
      {"aten::_fft_c2c", complex_to_complex},
      {"aten::_assert_async.msg", assertion},
      {"aten::stft.center", stft},
      {"aten::istft", istft},
      {"aten::bartlett_window", window},
      {"aten::bartlett_window.periodic", window_periodic},
      {"aten::blackman_window", window},
      {"aten::blackman_window.periodic", window_periodic},
      {"aten::hamming_window", window},
      {"aten::hamming_window.periodic", window_periodic},
      {"aten::hamming_window.periodic_alpha", window_with_number},
      {"aten::hamming_window.periodic_alpha_beta", window_with_numbers},
      {"aten::hann_window", window},
      {"aten::hann_window.periodic", window_periodic},
      {"aten::kaiser_window", window},
      {"aten::kaiser_window.periodic", window_periodic},
      {"aten::kaiser_window.beta", window_with_number},
  };
  return table;
}

}  // namespace tracejet::samples
