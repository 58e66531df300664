#pragma once

#include <optional>
#include <tuple>

#include <ATen/core/Tensor.h>

/// Attention as products of matrices and a softmax. 16-bit floats are computed in float32 and rounded once, as in
/// ATen's kernels, or with kUseFp32Acc = false in their own dtype.
namespace tracejet::decompositions {

template <bool kUseFp32Acc>
at::Tensor scaled_dot_product_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                        const std::optional<at::Tensor>& attn_mask, double dropout_p, bool is_causal,
                                        std::optional<double> scale, bool enable_gqa);

// Its backends give the logarithms of the sums of exponentials, too. There is no dropout in them here:
// UnsupportedOperator.

template <bool kUseFp32Acc>
std::tuple<at::Tensor, at::Tensor> flash_attention_for_cpu(const at::Tensor& query, const at::Tensor& key,
                                                           const at::Tensor& value, double dropout_p, bool is_causal,
                                                           const std::optional<at::Tensor>& attn_mask,
                                                           std::optional<double> scale);

/// output, logsumexp, cum_seq_q, cum_seq_k, max_q, max_k, two of a random generator's state, debug_attn_mask
using FusedOutputs = std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor, c10::SymInt, c10::SymInt, at::Tensor,
                                at::Tensor, at::Tensor>;

template <bool kUseFp32Acc>
FusedOutputs flash_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, double dropout_p,
                             bool is_causal, bool return_debug_mask, std::optional<double> scale);
template <bool kUseFp32Acc>
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> efficient_attention(
    const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const std::optional<at::Tensor>& attn_bias,
    bool compute_log_sumexp, double dropout_p, bool is_causal, std::optional<double> scale);
template <bool kUseFp32Acc>
FusedOutputs cudnn_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                             const std::optional<at::Tensor>& attn_bias, bool compute_log_sumexp, double dropout_p,
                             bool is_causal, bool return_debug_mask, std::optional<double> scale);
template <bool kUseFp32Acc>
FusedOutputs overrideable_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                    const std::optional<at::Tensor>& attn_bias, double dropout_p, bool is_causal,
                                    bool return_debug_mask, std::optional<double> scale);

}  // namespace tracejet::decompositions
