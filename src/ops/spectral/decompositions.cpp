// PyTorch: aten/src/ATen/native/SpectralOps.cpp (stft, istft).
#include "ops/spectral/decompositions.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_assert_async.h>
#include <ATen/ops/_fft_c2c.h>
#include <ATen/ops/_fft_c2r.h>
#include <ATen/ops/_fft_r2c.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/unfold_backward.h>
#include <ATen/ops/view_as_complex.h>
#include <ATen/ops/view_as_real.h>

#include "base/error.h"
#include "ops/optional_tensor.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

/// ATen's numbers for how a transform is scaled.
enum Scaling : int64_t { kUnscaled = 0, kByRootOfCount = 1, kByCount = 2 };

struct Frames {
  int64_t size;    ///< samples that a transform takes: n_fft
  int64_t step;    ///< from one frame to the next
  int64_t window;  ///< samples that the window lets through, in the middle of the frame
};

Frames frames_of(int64_t n_fft, std::optional<int64_t> hop_length, std::optional<int64_t> win_length) {
  const Frames frames{n_fft, hop_length.value_or(n_fft / 4), win_length.value_or(n_fft)};
  if (n_fft > 0 && frames.step > 0 && frames.window > 0 && frames.window <= n_fft) return frames;
  throw ShapeError(
      "expected n_fft > 0, hop_length > 0 and 0 < win_length <= n_fft, got n_fft=" + std::to_string(n_fft) +
      ", hop_length=" + std::to_string(frames.step) + ", win_length=" + std::to_string(frames.window));
}

/// The window as long as a frame: zero where it lets nothing through. Undefined where it lets all through.
at::Tensor whole_window(const std::optional<at::Tensor>& window, const Frames& frames,
                        const at::TensorOptions& options) {
  const bool is_given = given(window);
  if (is_given && (window->dim() != 1 || !window->sym_size(0).sym_eq(frames.window).guard_bool(__FILE__, __LINE__))) {
    throw ShapeError("expected a 1D window of " + std::to_string(frames.window) + " elements (win_length)");
  }
  if (frames.window == frames.size) return is_given ? *window : at::Tensor();
  const int64_t left = (frames.size - frames.window) / 2;
  const at::Tensor middle = is_given ? *window : at::ones({frames.window}, options);
  return at::constant_pad_nd(middle, {left, frames.size - frames.window - left});
}

at::Tensor padded(const at::Tensor& signal, int64_t amount, std::string_view mode) {
  // Padding other than by a constant wants three axes.
  return at::pad(signal.unsqueeze(1), {amount, amount}, mode).squeeze(1);
}

}  // namespace

at::Tensor stft(const at::Tensor& self, int64_t n_fft, std::optional<int64_t> hop_length,
                std::optional<int64_t> win_length, const std::optional<at::Tensor>& window, bool center,
                std::string_view pad_mode, bool normalized, std::optional<bool> onesided,
                std::optional<bool> return_complex, std::optional<bool> align_to_window) {
  if (self.dim() != 1 && self.dim() != 2) throw ShapeError("expected a signal of one or two axes");
  const Frames frames = frames_of(n_fft, hop_length, win_length);
  const bool is_complex = self.is_complex() || (given(window) && window->is_complex());
  if (!return_complex && !is_complex) throw ShapeError("return_complex has to be given for a real signal and window");

  at::Tensor signal = self.dim() == 1 ? self.unsqueeze(0) : self;
  if (center) {
    signal = padded(signal, n_fft / 2, pad_mode);
  } else if (align_to_window.value_or(false)) {
    const int64_t left = (n_fft - frames.window) / 2;
    signal = at::constant_pad_nd(signal, {left, n_fft - frames.window - left});
  }
  require(signal.sym_size(1).sym_ge(n_fft),
          [&] { return "the signal is shorter than n_fft=" + std::to_string(n_fft); });
  at::Tensor input = signal.unfold(1, frames.size, frames.step);
  if (const at::Tensor factors = whole_window(window, frames, self.options()); factors.defined()) {
    input = input * factors;
  }
  const Scaling scale = normalized ? kByRootOfCount : kUnscaled;
  at::Tensor result = input.is_complex() ? at::_fft_c2c(input, {2}, scale, /*forward=*/true)
                                         : at::_fft_r2c(input, {2}, scale, onesided.value_or(true));
  result = result.transpose(1, 2);
  if (self.dim() == 1) result = result.squeeze(0);
  return return_complex.value_or(is_complex) ? result : at::view_as_real(result);
}

at::Tensor istft(const at::Tensor& self, int64_t n_fft, std::optional<int64_t> hop_length,
                 std::optional<int64_t> win_length, const std::optional<at::Tensor>& window, bool center,
                 bool normalized, std::optional<bool> onesided, std::optional<int64_t> length, bool return_complex) {
  const at::Tensor given = self.is_complex() ? self : at::view_as_complex(self);
  if (given.dim() != 2 && given.dim() != 3) throw ShapeError("expected frequencies of two or three axes");
  const Frames frames = frames_of(n_fft, hop_length, win_length);
  const at::Tensor spectrum = (given.dim() == 2 ? given.unsqueeze(0) : given).transpose(1, 2);
  const c10::SymInt count = spectrum.sym_size(1);
  const c10::SymInt total = n_fft + frames.step * (count - 1);
  const bool half = onesided.value_or(!spectrum.sym_size(2).sym_eq(n_fft).guard_bool(__FILE__, __LINE__));
  if (!spectrum.sym_size(2).sym_eq(half ? n_fft / 2 + 1 : n_fft).guard_bool(__FILE__, __LINE__)) {
    throw ShapeError("expected as many frequencies as n_fft=" + std::to_string(n_fft) + " gives");
  }

  const Scaling scale = normalized ? kByRootOfCount : kByCount;
  at::Tensor signals;
  if (return_complex) {
    if (half) throw ShapeError("a complex signal can't come from a onesided spectrum");
    signals = at::_fft_c2c(spectrum, {2}, scale, /*forward=*/false);
  } else {
    signals = at::_fft_c2r(half ? spectrum : spectrum.slice(2, 0, n_fft / 2 + 1), {2}, scale, n_fft);
  }
  at::Tensor factors = whole_window(window, frames, signals.options());
  if (!factors.defined()) factors = at::ones({n_fft}, signals.options());

  // Adds up the frames where they overlap, and divides by what the windows add up to there.
  const auto overlapped = [&](const at::Tensor& pieces) {
    return at::unfold_backward_symint(pieces, {pieces.sym_size(0), total}, 1, n_fft, frames.step);
  };
  const c10::SymInt start = center ? n_fft / 2 : 0;
  const c10::SymInt end = length ? start + *length : total - start;
  const auto part = [&](const at::Tensor& whole) { return whole.slice_symint(1, start, end); };
  const at::Tensor signal = part(overlapped(signals * factors));
  const at::Tensor weight = part(overlapped(factors.pow(2).expand_symint({1, count, n_fft})));
  at::_assert_async(weight.abs().min().ge(1e-11), "istft: the windows add up to zero somewhere");
  at::Tensor result = signal / weight;
  const c10::SymInt missing = (end - total).max(0);
  if (!shape::known_equal(missing, 0)) result = at::constant_pad_nd_symint(result, {0, missing});
  return given.dim() == 2 ? result.squeeze(0) : result;
}

}  // namespace tracejet::decompositions
