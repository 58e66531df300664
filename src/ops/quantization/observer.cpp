// Observers of training for quantization.
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
