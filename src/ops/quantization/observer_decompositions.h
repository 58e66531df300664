#pragma once

#include <tuple>

#include <ATen/core/Tensor.h>

namespace tracejet::decompositions {

/// Training for quantization: follows the range of what it sees, and rounds it as the quantized program will. Gives the
/// rounded values, which of them were in range, and the new state: running_min, running_max, scale, zero_point.
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor, at::Tensor> fused_moving_avg_obs_fq_helper(
    const at::Tensor& self, const at::Tensor& observer_on, const at::Tensor& fake_quant_on,
    const at::Tensor& running_min, const at::Tensor& running_max, const at::Tensor& scale, const at::Tensor& zero_point,
    double averaging_const, int64_t quant_min, int64_t quant_max, int64_t ch_axis, bool per_row_fake_quant,
    bool symmetric_quant);

}  // namespace tracejet::decompositions
