// PyTorch: aten/src/ATen/native/quantized/cpu/fused_obs_fake_quant.cpp (fused_moving_avg_obs_fake_quant_cpu).
#include "ops/quantization/observer_decompositions.h"

#include <cstdlib>
#include <limits>
#include <vector>

#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/amax.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/full.h>
#include <ATen/ops/isinf.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/round.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/where.h>

#include "ir/tensor_meta.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

constexpr double kSmallestScale = 6.1e-5F;

/// How real numbers in [min, max] become integers in [first, last]. PyTorch:
/// aten/src/ATen/native/quantized/cpu/QuantUtils.h (ChooseQuantizationParams).
struct Quantization {
  at::Tensor scale, zero_point;
};

Quantization choose(const at::Tensor& given_min, const at::Tensor& given_max, int64_t first, int64_t last,
                    bool symmetric) {
  at::Tensor min = given_min.to(at::kDouble), max = given_max.to(at::kDouble);
  const int64_t steps = last - first;
  if (symmetric) {
    const int64_t lowest = -(steps / 2 + 1), highest = steps / 2;
    const at::Tensor largest = at::maximum(at::abs(min / lowest), at::abs(max / highest));
    const at::Tensor around_zero = (min < 0).logical_and(max > 0);
    min = at::where(around_zero, (largest * lowest).to(at::kFloat).to(at::kDouble), min);
    max = at::where(around_zero, (largest * highest).to(at::kFloat).to(at::kDouble), max);
  }
  min = at::clamp(min, std::nullopt, 0);  // 0 itself has to be an exact value
  max = at::clamp(max, 0);
  at::Tensor scale = (max - min) / steps;
  const at::Tensor single = scale.to(at::kFloat);
  scale = at::where((single == 0).logical_or(at::isinf(at::reciprocal(single))), 0.1, scale);
  const at::Tensor is_small = scale < kSmallestScale;
  const at::Tensor amplifier = at::where(is_small, at::reciprocal(scale) * kSmallestScale, 1);
  scale = at::where(is_small, kSmallestScale, scale);
  min = min * amplifier;
  max = max * amplifier;

  const at::Tensor low = min / scale, high = max / scale;
  // Whichever end of the range adds up the smaller numbers.
  const at::Tensor from_min = at::rsub(at::abs(low), std::abs(first));
  const at::Tensor from_max = at::rsub(at::abs(high), std::abs(last));
  at::Tensor zero = at::where(from_min < from_max, at::rsub(low, first), at::rsub(high, last));
  if (symmetric) {
    zero = at::where((min < 0).logical_and(max > 0), static_cast<double>(first + last) / 2, zero);
  }
  return {scale, at::round(at::clamp(zero, first, last))};
}

/// A range that takes over a share of the new one each time, and all of the first.
at::Tensor follow(const at::Tensor& running, const at::Tensor& now, double share) {
  return at::where(at::isinf(running), now, running + (now - running) * share);
}

}  // namespace

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> fused_moving_avg_obs_fq_helper(
    const at::Tensor& self, const at::Tensor& observer_on, const at::Tensor& fake_quant_on,
    const at::Tensor& running_min, const at::Tensor& running_max, const at::Tensor& scale, const at::Tensor& zero_point,
    double averaging_const, int64_t quant_min, int64_t quant_max, int64_t ch_axis, bool per_row_fake_quant,
    bool symmetric_quant) {
  const at::Tensor observes = (observer_on != 0).reshape({}), rounds = (fake_quant_on != 0).reshape({});
  at::Tensor min = running_min, max = running_max, step = scale, zero = zero_point, low, high;
  if (per_row_fake_quant) {
    std::vector<int64_t> others;
    for (int64_t axis = 0; axis < self.dim(); ++axis) {
      if (axis != ch_axis) others.push_back(axis);
    }
    low = at::amin(self, others), high = at::amax(self, others);
    if (shape::known_equal(min.sym_size(0), 0)) {  // the first call makes the state
      const auto initial = [&](const at::Tensor& like, double value) {
        return at::full_symint({self.sym_size(ch_axis)}, value, like.options());
      };
      constexpr double kInfinity = std::numeric_limits<double>::infinity();
      min = initial(min, kInfinity), max = initial(max, -kInfinity), step = initial(step, 1), zero = initial(zero, 0);
    }
  } else {
    low = at::amin(self).reshape_symint(min.sym_sizes()), high = at::amax(self).reshape_symint(max.sym_sizes());
  }
  min = at::where(observes, follow(min, low, averaging_const), min);
  max = at::where(observes, follow(max, high, averaging_const), max);
  const Quantization chosen = choose(min, max, quant_min, quant_max, symmetric_quant);
  step = at::where(rounds, chosen.scale.to(step.scalar_type()), step);
  zero = at::where(rounds, chosen.zero_point.to(zero.scalar_type()), zero);

  Sizes along(static_cast<size_t>(self.dim()), 1);
  if (per_row_fake_quant) along[ch_axis] = self.sym_size(ch_axis);
  const at::Tensor s = step.reshape_symint(along), z = zero.reshape_symint(along);
  const at::Tensor quantized = at::round(self * at::reciprocal(s)) + z;
  const at::Tensor rounded = ((at::clamp(quantized, quant_min, quant_max) - z) * s).to(self.scalar_type());
  const at::Tensor inside = (quantized >= quant_min).logical_and(quantized <= quant_max);
  return {at::where(rounds, rounded, self), inside.logical_or(rounds.logical_not()), min, max, step, zero};
}

}  // namespace tracejet::decompositions
