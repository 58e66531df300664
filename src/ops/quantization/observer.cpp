// Observers of training for quantization.
// PyTorch: aten/src/ATen/native/quantized/cpu/fused_obs_fake_quant.cpp (fused_moving_avg_obs_fake_quant_cpu).
#include "ops/families.h"
#include "ops/quantization/observer_decompositions.h"

namespace tracejet {

std::span<const Operator> observer_operators() {
  static constexpr Operator table[] = {
      {.name = "aten::_fused_moving_avg_obs_fq_helper_functional",
       .decompose = expand<&decompositions::fused_moving_avg_obs_fq_helper>},
  };
  return table;
}

}  // namespace tracejet
