// PyTorch: aten/src/ATen/native/transformers/attention.cpp (scaled_dot_product_attention,
// _scaled_dot_product_attention_math), torch/_decomp/decompositions.py (scaled_dot_product_flash_attention_for_cpu).
#include "ops/attention/decompositions.h"

#include <limits>

#include <ATen/OpMathType.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/_safe_softmax.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "base/error.h"
#include "ir/tensor_meta.h"
#include "ops/numbers.h"
#include "ops/optional_tensor.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

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
  return counted(key.sym_size(-2), query) <= counted(query.sym_size(-2), query).unsqueeze(1);
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
  const bool may_hide_everything = given(mask);
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

/// What 16-bit floats are computed in.
at::ScalarType dtype_within(const at::Tensor& query, bool use_fp32_acc) {
  return use_fp32_acc ? at::toOpMathType(query.scalar_type()) : query.scalar_type();
}

/// Attention, and the scores that it comes of.
struct Scored {
  at::Tensor output, scores;
};

template <bool kUseFp32Acc>
Scored attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
              const std::optional<at::Tensor>& mask, double dropout_p, bool is_causal, std::optional<double> scale,
              bool shares_heads) {
  const at::ScalarType within = dtype_within(query, kUseFp32Acc);
  const at::Tensor q = query.to(within), k = (shares_heads ? repeated_for(query, key) : key).to(within),
                   v = (shares_heads ? repeated_for(query, value) : value).to(within);
  const at::Tensor found = scores(q, k, mask, is_causal, scale);
  const at::Tensor result = at::matmul(weights(found, mask, dropout_p), v).to(query.scalar_type());
  return {in_layout_of(query, result), found};
}

/// Attention and the logarithms of the sums of exponentials, one for each query.
struct Attended {
  at::Tensor output, logsumexp;
};

/// A fused kernel, called by name. These share heads of keys and values without being asked to.
template <bool kUseFp32Acc>
Attended fused(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
               const std::optional<at::Tensor>& mask, double dropout_p, bool is_causal, std::optional<double> scale) {
  if (dropout_p > 0) {
    throw UnsupportedOperator(
        "has dropout, and its random numbers are those of a kernel for one kind of GPU: call "
        "eval() first, or torch.nn.functional.scaled_dot_product_attention");
  }
  const bool shares_heads = !shape::known_equal(query.sym_size(-3), key.sym_size(-3));
  const Scored found = attend<kUseFp32Acc>(query, key, value, mask, 0, is_causal, scale, shares_heads);
  const at::ScalarType wide = query.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  return {found.output, at::logsumexp(found.scores.to(wide), -1)};
}

/// The state of a generator that nothing was drawn from: kernels leave it as it happens to be.
at::Tensor unused_state(at::IntArrayRef sizes, at::ScalarType dtype, const at::Tensor& query) {
  return at::zeros(sizes, query.options().dtype(dtype));
}

void refuse_debug_mask(bool is_asked_for) {
  if (is_asked_for) {
    throw UnsupportedOperator("is asked for its debug_attn_mask, which only a kernel for one kind of GPU can give");
  }
}

}  // namespace

template <bool kUseFp32Acc>
at::Tensor scaled_dot_product_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                        const std::optional<at::Tensor>& attn_mask, double dropout_p, bool is_causal,
                                        std::optional<double> scale, bool enable_gqa) {
  return attend<kUseFp32Acc>(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa).output;
}

template <bool kUseFp32Acc>
std::tuple<at::Tensor, at::Tensor> flash_attention_for_cpu(const at::Tensor& query, const at::Tensor& key,
                                                           const at::Tensor& value, double dropout_p, bool is_causal,
                                                           const std::optional<at::Tensor>& attn_mask,
                                                           std::optional<double> scale) {
  const Attended found = fused<kUseFp32Acc>(query, key, value, attn_mask, dropout_p, is_causal, scale);
  return {found.output, found.logsumexp};
}

template <bool kUseFp32Acc>
FusedOutputs flash_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, double dropout_p,
                             bool is_causal, bool return_debug_mask, std::optional<double> scale) {
  refuse_debug_mask(return_debug_mask);
  const c10::SymInt queries = query.sym_size(2), keys = key.sym_size(2);
  if (is_causal) {
    // Of different lengths, the kernel aligns the last query with the last key, others the first with the first.
    require_equal_sizes(queries, keys, [&] {
      return "is_causal with " + shape::text({queries}) + " queries and " + shape::text({keys}) +
             " keys, expected as many of both: call torch.nn.functional.scaled_dot_product_attention with a mask";
    });
  }
  const Attended found = fused<kUseFp32Acc>(query, key, value, std::nullopt, dropout_p, is_causal, scale);
  return {found.output,
          found.logsumexp,
          at::Tensor(),
          at::Tensor(),
          queries,
          keys,
          unused_state({2}, at::kUInt64, query),
          unused_state({}, at::kUInt64, query),
          at::zeros({0}, query.options())};
}

template <bool kUseFp32Acc>
std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> efficient_attention(
    const at::Tensor& query, const at::Tensor& key, const at::Tensor& value, const std::optional<at::Tensor>& attn_bias,
    bool compute_log_sumexp, double dropout_p, bool is_causal, std::optional<double> scale) {
  const Attended found = fused<kUseFp32Acc>(query, key, value, attn_bias, dropout_p, is_causal, scale);
  // The kernel gives as many as fill its blocks of 32 queries.
  const c10::SymInt queries = query.sym_size(2), filled = shape::ceil_div(queries, 32) * 32;
  const c10::SymInt left_out = compute_log_sumexp ? filled - queries : -queries;
  return {found.output, at::constant_pad_nd_symint(found.logsumexp, {0, left_out}, -kNothing),
          unused_state({}, at::kLong, query), unused_state({}, at::kLong, query)};
}

template <bool kUseFp32Acc>
FusedOutputs cudnn_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                             const std::optional<at::Tensor>& attn_bias, bool, double dropout_p, bool is_causal,
                             bool return_debug_mask, std::optional<double> scale) {
  refuse_debug_mask(return_debug_mask);
  const Attended found = fused<kUseFp32Acc>(query, key, value, attn_bias, dropout_p, is_causal, scale);
  return {found.output,
          found.logsumexp.unsqueeze(-1),
          at::Tensor(),
          at::Tensor(),
          query.sym_size(2),
          key.sym_size(2),
          unused_state({}, at::kLong, query),
          unused_state({}, at::kLong, query),
          at::Tensor()};
}

template <bool kUseFp32Acc>
FusedOutputs overrideable_attention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                                    const std::optional<at::Tensor>& attn_bias, double dropout_p, bool is_causal,
                                    bool return_debug_mask, std::optional<double> scale) {
  refuse_debug_mask(return_debug_mask);
  const Attended found = fused<kUseFp32Acc>(query, key, value, attn_bias, dropout_p, is_causal, scale);
  return {found.output,
          found.logsumexp,
          at::Tensor(),
          at::Tensor(),
          query.sym_size(-2),
          key.sym_size(-2),
          unused_state({}, at::kLong, query),
          unused_state({}, at::kLong, query),
          at::Tensor()};
}

#define TRACEJET_INSTANTIATE(name)          \
  template decltype(name<true>) name<true>; \
  template decltype(name<false>) name<false>
TRACEJET_INSTANTIATE(scaled_dot_product_attention);
TRACEJET_INSTANTIATE(flash_attention_for_cpu);
TRACEJET_INSTANTIATE(flash_attention);
TRACEJET_INSTANTIATE(efficient_attention);
TRACEJET_INSTANTIATE(cudnn_attention);
TRACEJET_INSTANTIATE(overrideable_attention);
#undef TRACEJET_INSTANTIATE

}  // namespace tracejet::decompositions
