// ONNX: MatMul-13, Softmax-13.
#include <cmath>
#include <limits>

#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"

namespace tracejet::onnx::convert {

namespace {

/// True where a query may look: row >= column, counted from the top left corner.
Operand causal_mask(Lowering& to, const c10::SymInt& queries, const c10::SymInt& keys) {
  const auto positions = [&](const c10::SymInt& count) {
    return to.emit("Range", {to.integer(0), to.number(count, at::kLong), to.integer(1)});
  };
  return to.emit_as(at::kBool, "GreaterOrEqual",
                    {to.unsqueeze(positions(queries), {1}), to.unsqueeze(positions(keys), {0})});
}

/// Keys or values of grouped queries, each head as often as queries share it.
Operand repeated_heads(Lowering& to, const Operand& x, const TensorMeta& meta, const TensorMeta& query) {
  const auto heads = static_cast<size_t>(meta.dim() - 3);
  const auto known = static_sizes(to, {query.sizes[heads], meta.sizes[heads]}, "the number of heads");
  const int64_t times = known[0] / known[1];
  if (times == 1) return x;
  Sizes once = meta.sizes;
  once.insert(once.begin() + static_cast<std::ptrdiff_t>(heads) + 1, 1);
  Sizes often = once;
  often[heads + 1] = times;
  Sizes merged = meta.sizes;
  merged[heads] = known[0];
  const auto axis = static_cast<int64_t>(heads) + 1;
  return to.reshape(to.expand(to.unsqueeze(x, {axis}), once, often), often, merged);
}

void attention(Lowering& to, const Call& call, std::string_view) {
  if (call.declares("dropout_p") && call.number("dropout_p") != 0) to.fail("has dropout: call eval() first");
  const TensorMeta& query = call.tensor("query");
  const TensorMeta& key = call.tensor("key");
  const auto rank = static_cast<size_t>(query.dim());
  const auto no_statistics = [&] {
    for (size_t i = 1; i < to.output_count(); ++i) to.no_result("gives statistics that only training uses");
  };
  // Products of nothing are zeros; OpenVINO fails to compile attention that is known to have no keys.
  if (key.sizes[rank - 2].maybe_as_int() == 0) {
    to.result(to.expand(to.number(0, to.output().dtype), {}, to.output().sizes));
    return no_statistics();
  }
  const Operand q = to.operand(call, "query");
  Operand k = to.operand(call, "key");
  Operand v = to.operand(call, "value");
  if (call.declares("enable_gqa") && call.flag("enable_gqa")) {
    k = repeated_heads(to, k, key, query);
    v = repeated_heads(to, v, call.tensor("value"), query);
  }
  auto swap_last = axes_from(0, query.dim());
  std::swap(swap_last[rank - 1], swap_last[rank - 2]);

  std::optional<double> scale;
  if (call.declares("scale")) scale = call.optional_number("scale");
  if (!scale)
    scale = 1 / std::sqrt(static_cast<double>(static_sizes(to, {query.sizes.back()}, "the size of a head")[0]));
  const Operand scaled = to.emit("Mul", {q, to.number(*scale, q.dtype)});
  const auto summed = [&](const Operand& x) {
    return with_zero(to, x, query.sizes.back(), query.dim() - 1, query.dim());
  };
  Operand scores = to.emit("MatMul", {summed(scaled), to.transpose(summed(k), swap_last)});

  const auto mask_name = call.declares("attn_mask") ? "attn_mask" : "attn_bias";
  const bool has_mask = call.declares(mask_name) && call.has(mask_name);
  const Operand mask = has_mask ? to.operand(call, mask_name) : Operand{};
  const auto hide = [&](const Operand& allowed) {
    const Operand never = to.number(-std::numeric_limits<double>::infinity(), scores.dtype);
    scores = to.emit_as(scores.dtype, "Where", {allowed, scores, never});
  };
  if (call.declares("is_causal") && call.flag("is_causal")) {
    hide(causal_mask(to, query.sizes[rank - 2], key.sizes[rank - 2]));
  }
  if (has_mask && mask.dtype == at::kBool) hide(mask);
  if (has_mask && mask.dtype != at::kBool) scores = to.emit("Add", {scores, to.cast(mask, scores.dtype)});

  Operand weights = to.emit("Softmax", {scores}, {{"axis", int64_t{-1}}});
  // A query that may look nowhere gets zeros, not the NaN of an empty softmax.
  if (has_mask && mask.dtype == at::kBool) {
    weights = to.emit_as(weights.dtype, "Where", {mask, weights, to.number(0, weights.dtype)});
  } else if (has_mask) {
    weights = without_masked(to, weights, to.cast(mask, weights.dtype));
  }
  const c10::SymInt& keys = key.sizes[rank - 2];
  to.result(to.emit("MatMul", {with_zero(to, weights, keys, query.dim() - 1, query.dim()),
                               with_zero(to, v, keys, query.dim() - 2, query.dim())}));
  no_statistics();
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> attention_conversions() {
  static constexpr Conversion table[] = {
      // scaled_dot_product_attention and its backends.
      {"aten::scaled_dot_product_attention", convert::attention},
      {"aten::_scaled_dot_product_flash_attention_for_cpu", convert::attention},
  };
  return table;
}

}  // namespace tracejet::onnx
