// PyTorch: aten/src/ATen/native/transformers/attention.cpp (native_multi_head_attention_cpu),
// aten/src/ATen/native/transformers/transformer.cpp (transformer_encoder_layer_forward).
#include "ops/attention/native_attention.h"

#include <cmath>
#include <limits>

#include <ATen/TensorOperators.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>

#include "ops/optional_tensor.h"

namespace tracejet::decompositions {

namespace {

/// As [batch, heads, queries, keys], where these axes are.
at::Tensor spread(const at::Tensor& mask, int64_t mask_type) {
  const at::Tensor hides = mask.to(at::kBool);
  return mask_type == 1 ? hides.unsqueeze(1).unsqueeze(1) : hides;
}

}  // namespace

std::tuple<at::Tensor, at::Tensor> native_multi_head_attention(
    const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, int64_t embed_dim, int64_t num_head,
    const at::Tensor& qkv_weight, const at::Tensor& qkv_bias, const at::Tensor& proj_weight,
    const at::Tensor& proj_bias, const std::optional<at::Tensor>& mask, bool need_weights, bool average_attn_weights,
    std::optional<int64_t> mask_type) {
  const std::vector<at::Tensor> in_weights = qkv_weight.chunk(3), in_biases = qkv_bias.chunk(3);
  const int64_t features = embed_dim / num_head;
  const auto heads = [&](const at::Tensor& input, size_t which) {
    return at::linear(input, in_weights[which], in_biases[which]).unflatten(-1, {num_head, features}).transpose(1, 2);
  };
  const at::Tensor q = heads(query, 0), k = heads(key, 1), v = heads(value, 2);
  const auto projected = [&](const at::Tensor& attended) {
    return at::linear(attended.transpose(1, 2).flatten(2), proj_weight, proj_bias);
  };
  const bool is_masked = given(mask);
  if (!need_weights && !is_masked) return {projected(at::scaled_dot_product_attention(q, k, v)), at::Tensor()};
  at::Tensor scores = at::matmul(q * (1 / std::sqrt(static_cast<double>(features))), k.transpose(-2, -1));
  if (is_masked)
    scores = at::where(spread(*mask, mask_type.value_or(2)), -std::numeric_limits<double>::infinity(), scores);
  const at::Tensor weights = at::softmax(scores, -1);
  const at::Tensor result = projected(at::matmul(weights, v));
  if (!need_weights) return {result, at::Tensor()};
  return {result, average_attn_weights ? weights.mean(1) : weights};
}

at::Tensor transformer_encoder_layer(const at::Tensor& src, int64_t embed_dim, int64_t num_heads,
                                     const at::Tensor& qkv_weight, const at::Tensor& qkv_bias,
                                     const at::Tensor& proj_weight, const at::Tensor& proj_bias, bool use_gelu,
                                     bool norm_first, double eps, const at::Tensor& norm_weight_1,
                                     const at::Tensor& norm_bias_1, const at::Tensor& norm_weight_2,
                                     const at::Tensor& norm_bias_2, const at::Tensor& ffn_weight_1,
                                     const at::Tensor& ffn_bias_1, const at::Tensor& ffn_weight_2,
                                     const at::Tensor& ffn_bias_2, const std::optional<at::Tensor>& mask,
                                     std::optional<int64_t> mask_type) {
  const auto first_norm = [&](const at::Tensor& x) {
    return at::layer_norm(x, {embed_dim}, norm_weight_1, norm_bias_1, eps);
  };
  const auto second_norm = [&](const at::Tensor& x) {
    return at::layer_norm(x, {embed_dim}, norm_weight_2, norm_bias_2, eps);
  };
  const auto attend = [&](const at::Tensor& x) {
    return std::get<0>(native_multi_head_attention(x, x, x, embed_dim, num_heads, qkv_weight, qkv_bias, proj_weight,
                                                   proj_bias, mask, /*need_weights=*/false,
                                                   /*average_attn_weights=*/true, mask_type));
  };
  const auto feed_forward = [&](const at::Tensor& x) {
    const at::Tensor hidden = at::linear(x, ffn_weight_1, ffn_bias_1);
    return at::linear(use_gelu ? at::gelu(hidden) : at::relu(hidden), ffn_weight_2, ffn_bias_2);
  };
  if (norm_first) {
    const at::Tensor attended = src + attend(first_norm(src));
    return attended + feed_forward(second_norm(attended));
  }
  const at::Tensor attended = first_norm(src + attend(src));
  return second_norm(attended + feed_forward(attended));
}

}  // namespace tracejet::decompositions
