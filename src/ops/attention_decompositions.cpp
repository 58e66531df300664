#include "ops/attention_decompositions.h"

#include <limits>

#include <ATen/OpMathType.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/_safe_softmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>

#include "graph/tensor_meta.h"
#include "ops/shape.h"

namespace tracejet::decompositions {

namespace {

constexpr double kNothing = -std::numeric_limits<double>::infinity();

at::Scalar scale_of(const at::Tensor& query, std::optional<double> given) {
  if (given) return *given;
  const c10::SymInt features = query.sym_size(-1);
  return at::Scalar(c10::SymFloat(1.0) / c10::SymFloat(features).sqrt());
}

/// Each position attends to those before it and to itself.
at::Tensor causal_mask(const at::Tensor& query, const at::Tensor& key) {
  const auto counted = [&](const c10::SymInt& end) {
    return at::arange(at::Scalar(end), at::TensorOptions().dtype(at::kLong).device(query.device()));
  };
  return counted(key.sym_size(-2)) <= counted(query.sym_size(-2)).unsqueeze(1);
}

/// One head of keys or values serves several heads of queries that stand side by side.
at::Tensor repeated_for(const at::Tensor& query, const at::Tensor& heads) {
  const c10::SymInt given = heads.sym_size(-3), times = query.sym_size(-3) / given;
  Sizes wide(heads.sym_sizes()), joined = wide;
  const auto axis = static_cast<std::ptrdiff_t>(wide.size()) - 2;
  wide.insert(wide.begin() + axis, times);
  joined[axis - 1] = given * times;
  return heads.unsqueeze(axis).expand_symint(wide).reshape_symint(joined);
}

at::Tensor scores(const at::Tensor& query, const at::Tensor& key, const std::optional<at::Tensor>& mask, bool is_causal,
                  std::optional<double> scale) {
  const at::Tensor products = at::matmul(query * scale_of(query, scale), key.transpose(-2, -1));
  if (is_causal) return at::where(causal_mask(query, key), products, kNothing);
  if (!mask || !mask->defined()) return products;
  return mask->scalar_type() == at::kBool ? at::where(*mask, products, kNothing) : products + *mask;
}

at::Tensor weights(const at::Tensor& scores, const std::optional<at::Tensor>& mask, double dropout_p) {
  const bool may_hide_everything = mask && mask->defined();
  const at::Tensor shares = may_hide_everything ? at::_safe_softmax(scores, -1) : at::softmax(scores, -1);
  return dropout_p > 0 ? at::dropout(shares, dropout_p, /*train=*/true) : shares;
}

/// Whether the query is [B, L, H, E] shown as [B, H, L, E]. ATen's fused kernel then lays out its result the same way.
bool has_split_heads(const at::Tensor& query) {
  if (query.dim() != 4) return false;
  const auto strides = query.sym_strides();
  return shape::known_equal(strides[1], query.sym_size(3)) &&
         shape::known_equal(strides[2], query.sym_size(1) * query.sym_size(3));
}

at::Tensor in_layout_of(const at::Tensor& query, const at::Tensor& result) {
  return has_split_heads(query) ? result.transpose(1, 2).contiguous().transpose(1, 2) : result;
}

}  // namespace

at::Tensor scaled_dot_product_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                        const std::optional<at::Tensor>& attn_mask, double dropout_p, bool is_causal,
                                        std::optional<double> scale, bool enable_gqa) {
  // 16-bit floats are computed in float32 and rounded once, as in ATen's kernels.
  const at::ScalarType wide = at::toOpMathType(query.scalar_type());
  const at::Tensor q = query.to(wide), k = (enable_gqa ? repeated_for(query, key) : key).to(wide),
                   v = (enable_gqa ? repeated_for(query, value) : value).to(wide);
  const at::Tensor shares = weights(scores(q, k, attn_mask, is_causal, scale), attn_mask, dropout_p);
  return in_layout_of(query, at::matmul(shares, v).to(query.scalar_type()));
}

std::tuple<at::Tensor, at::Tensor> flash_attention_for_cpu(const at::Tensor& query, const at::Tensor& key,
                                                           const at::Tensor& value, double dropout_p, bool is_causal,
                                                           const std::optional<at::Tensor>& attn_mask,
                                                           std::optional<double> scale) {
  const at::ScalarType wide = at::toOpMathType(query.scalar_type());
  const at::Tensor found = scores(query.to(wide), key.to(wide), attn_mask, is_causal, scale);
  return {scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale, false),
          at::logsumexp(found, -1)};
}

}  // namespace tracejet::decompositions
