// Attention. The default set keeps scaled_dot_product_attention as one node; its backends have rules for programs that
// call them by name.
// PyTorch: aten/src/ATen/native/transformers/attention.cpp, torch/_meta_registrations.py
// (meta__scaled_dot_product_flash_attention, meta__scaled_dot_product_efficient_attention,
// meta__scaled_dot_product_cudnn_attention).
#include "ops/attention/attention.h"

#include "base/torch_version.h"
#include "ops/attention/decompositions.h"
#include "ops/attention/native_attention.h"
#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

struct Operands {
  const TensorMeta& query;
  const TensorMeta& key;
  const TensorMeta& value;
};

const c10::SymInt& size(const TensorMeta& tensor, int64_t from_end) { return tensor.sizes[tensor.dim() - from_end]; }

Operands read_operands(const Call& call) {
  const Operands given{call.tensor("query"), call.tensor("key"), call.tensor("value")};
  const auto message = [&] {
    return "query is " + shape::text(given.query.sizes) + ", key is " + shape::text(given.key.sizes) + ", value is " +
           shape::text(given.value.sizes) + ", expected [..., L, E], [..., S, E] and [..., S, V]";
  };
  require(given.query.dim() >= 2 && given.key.dim() >= 2 && given.value.dim() >= 2, message);
  require(given.query.dtype == given.key.dtype && given.query.dtype == given.value.dtype,
          [] { return "query, key and value must have the same dtype"; });
  require_equal_sizes(size(given.query, 1), size(given.key, 1), message);
  require_equal_sizes(size(given.key, 2), size(given.value, 2), message);
  return given;
}

c10::SymIntArrayRef batch(const TensorMeta& tensor) {
  return c10::SymIntArrayRef(tensor.sizes).slice(0, static_cast<size_t>(tensor.dim() - 2));
}

/// A mask that ATen's fused CPU kernel takes: of two or four axes, each as large as it must be, or 1.
bool fits_fused_kernel(const TensorMeta& mask, const Operands& given) {
  const auto fits = [](const c10::SymInt& axis, const c10::SymInt& expected) {
    return shape::is_one(axis) || shape::known_equal(axis, expected);
  };
  if (mask.dim() != 2 && mask.dim() != 4) return false;
  if (!fits(size(mask, 2), size(given.query, 2)) || !fits(size(mask, 1), size(given.key, 2))) return false;
  if (given.query.dim() == 3) return mask.dim() == 2;
  return mask.dim() == 2 || (fits(mask.sizes[0], given.query.sizes[0]) && fits(mask.sizes[1], given.query.sizes[1]));
}

bool has_fused_dtype(const TensorMeta& query) {
  return query.dtype == at::kFloat || query.dtype == at::kDouble || query.dtype == at::kHalf ||
         query.dtype == at::kBFloat16;
}

/// Whether ATen would run its fused CPU kernel, whose output has the layout of the query. It only decides a layout, so
/// nothing here guards.
bool runs_fused(const Call& call, const Operands& given) {
  const auto& [query, key, value] = given;
  if (!has_fused_dtype(query) || call.number("dropout_p") > 0) return false;
  const bool has_batch = query.dim() == 4 && key.dim() == 4 && value.dim() == 4;
  const bool has_none = kFusedAttentionIsLenient && query.dim() == 3 && key.dim() == 3 && value.dim() == 3;
  if (!has_batch && !has_none) return false;
  if (has_batch &&
      (!shape::known_equal(query.sizes[0], key.sizes[0]) || !shape::known_equal(key.sizes[0], value.sizes[0]))) {
    return false;
  }
  if (!shape::known_equal(size(key, 3), size(value, 3))) return false;
  const bool has_fitting_heads = call.flag("enable_gqa") || shape::known_equal(size(query, 3), size(key, 3)) ||
                                 (kFusedAttentionIsLenient && shape::is_one(size(key, 3)));
  if (!has_fitting_heads || !shape::known_equal(size(query, 1), size(value, 1))) return false;
  if (shape::known_equal(size(query, 2), 0) || shape::known_equal(size(key, 2), 0)) return false;
  for (const TensorMeta* operand : {&query, &key, &value}) {
    if (!shape::known_equal(operand->strides.back(), 1)) return false;
  }
  const TensorMeta* mask = call.optional_tensor("attn_mask");
  if (mask == nullptr) return true;
  return fits_fused_kernel(*mask, given) &&
         (shape::known_equal(mask->strides.back(), 1) || shape::is_one(mask->sizes.back()));
}

Metas scaled_dot_product_attention(const Call& call) {
  const Operands given = read_operands(call);
  if (runs_fused(call, given)) return {shape::like(given.query, given.query.dtype)};
  const bool grouped = call.flag("enable_gqa");
  // With grouped heads the key's and the value's are repeated until they fit the query's.
  Sizes sizes = grouped ? Sizes(batch(given.query))
                        : shape::broadcast(shape::broadcast(batch(given.query), batch(given.key)), batch(given.value));
  sizes.push_back(size(given.query, 2));
  sizes.push_back(size(given.value, 1));
  return {shape::contiguous(std::move(sizes), given.query.dtype, given.query.device)};
}

void require_four_axes(const Operands& given) {
  for (const TensorMeta* operand : {&given.query, &given.key, &given.value}) {
    require(operand->dim() == 4, [&] {
      return "an operand is " + shape::text(operand->sizes) + ", expected [batch, heads, length, features]";
    });
  }
}

at::ScalarType logsumexp_dtype(at::ScalarType dtype) { return dtype == at::kDouble ? at::kDouble : at::kFloat; }

/// The output, and the logarithms of the sums of exponentials that the backward pass needs.
Metas flash_attention_for_cpu(const Call& call) {
  const Operands given = read_operands(call);
  require_four_axes(given);
  const TensorMeta& query = given.query;
  const c10::SymInt &heads = query.sizes[1], &length = query.sizes[2];
  return {shape::like(query, query.dtype), shape::strided({query.sizes[0], heads, length}, {length * heads, 1, heads},
                                                          logsumexp_dtype(query.dtype), query.device)};
}

}  // namespace

std::span<const AttentionIn16Bits> attention_in_16_bits() {
  static constexpr AttentionIn16Bits table[] = {
      {"aten::scaled_dot_product_attention", expand<&decompositions::scaled_dot_product_attention<false>>},
      {"aten::_scaled_dot_product_flash_attention_for_cpu", expand<&decompositions::flash_attention_for_cpu<false>>},
      {"aten::_scaled_dot_product_flash_attention", expand<&decompositions::flash_attention<false>>},
      {"aten::_scaled_dot_product_efficient_attention", expand<&decompositions::efficient_attention<false>>},
      {"aten::_scaled_dot_product_cudnn_attention", expand<&decompositions::cudnn_attention<false>>},
      {"aten::_scaled_dot_product_fused_attention_overrideable",
       expand<&decompositions::overrideable_attention<false>>},
  };
  return table;
}

std::span<const Operator> attention_operators() {
  static constexpr Operator table[] = {
      {.name = "aten::scaled_dot_product_attention",
       .meta = scaled_dot_product_attention,
       .decompose = expand<&decompositions::scaled_dot_product_attention<true>>,
       .kept_by_default = true},
      {.name = "aten::_scaled_dot_product_flash_attention_for_cpu",
       .meta = flash_attention_for_cpu,
       .decompose = expand<&decompositions::flash_attention_for_cpu<true>>,
       .kept_by_default = true},
      // Of GPUs, and of devices that bring their own. Numbers among their results can't be values of a program.
      {.name = "aten::_scaled_dot_product_flash_attention",
       .decompose = expand<&decompositions::flash_attention<true>>},
      {.name = "aten::_scaled_dot_product_efficient_attention",
       .decompose = expand<&decompositions::efficient_attention<true>>},
      {.name = "aten::_scaled_dot_product_cudnn_attention",
       .decompose = expand<&decompositions::cudnn_attention<true>>},
      {.name = "aten::_scaled_dot_product_fused_attention_overrideable",
       .decompose = expand<&decompositions::overrideable_attention<true>>},
      // The fast paths of torch.nn's layers, which scripts call.
      {.name = "aten::_native_multi_head_attention", .decompose = expand<&decompositions::native_multi_head_attention>},
      {.name = "aten::_transformer_encoder_layer_fwd", .decompose = expand<&decompositions::transformer_encoder_layer>},
  };
  return table;
}

}  // namespace tracejet
