#pragma once

#include <optional>
#include <tuple>

#include <ATen/core/Tensor.h>

/// Attention as products of matrices and a softmax.
namespace tracejet::decompositions {

at::Tensor scaled_dot_product_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                        const std::optional<at::Tensor>& attn_mask, double dropout_p, bool is_causal,
                                        std::optional<double> scale, bool enable_gqa);
/// The output, and the logarithms of the sums of exponentials.
std::tuple<at::Tensor, at::Tensor> flash_attention_for_cpu(const at::Tensor& query, const at::Tensor& key,
                                                           const at::Tensor& value, double dropout_p, bool is_causal,
                                                           const std::optional<at::Tensor>& attn_mask,
                                                           std::optional<double> scale);

}  // namespace tracejet::decompositions
