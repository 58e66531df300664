#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

at::Tensor on(bool is_on) { return at::full({1}, is_on ? 1 : 0, at::kLong); }

/// (self, observer_on, fake_quant_on, running_min, running_max, scale, zero_point, averaging_const, quant_min,
/// quant_max, ch_axis, per_row_fake_quant, symmetric_quant)
torch::jit::Stack call(const at::Tensor& self, bool observes, bool rounds, const at::Tensor& min, const at::Tensor& max,
                       bool per_row, bool symmetric) {
  const at::Tensor scale = at::full(min.sizes(), 0.05F), zero_point = at::full(min.sizes(), 3, at::kInt);
  return {self, on(observes), on(rounds), min, max, scale, zero_point, 0.25, 0, 255, 0, per_row, symmetric};
}

Stacks moving_average_observer() {
  const at::Tensor self = floats({3, 4});
  const at::Tensor low = at::full({1}, -0.5F), high = at::full({1}, 3.5F);
  Stacks calls;
  for (const bool symmetric : {false, true}) {
    calls.push_back(call(self, true, true, low, high, false, symmetric));
    calls.push_back(call(self, true, true, floats({3}) - 3, floats({3}) + 3, true, symmetric));
  }
  calls.push_back(call(self, false, true, low, high, false, false));
  calls.push_back(call(self, true, false, low, high, false, false));
  calls.push_back(call(self.abs() * 1e-4, true, true, low * 0, high * 0, false, false));
  return calls;
}

}  // namespace

std::span<const OperatorSamples> observer_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::_fused_moving_avg_obs_fq_helper_functional", moving_average_observer},
  };
  return table;
}

}  // namespace tracejet::samples
