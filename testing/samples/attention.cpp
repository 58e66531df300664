#include <ATen/TensorOperators.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

/// [B, L, H, E] shown as [B, H, L, E]: how models split an embedding into heads.
at::Tensor split_heads(at::IntArrayRef sizes) { return floats(sizes).transpose(1, 2); }

/// (query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa)
torch::jit::Stack call(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                       const c10::IValue& mask = none, bool is_causal = false, bool enable_gqa = false) {
  return {query, key, value, mask, 0.0, is_causal, none, enable_gqa};
}

Stacks scaled_dot_product_attention() {
  const at::Tensor query = floats({2, 4, 5, 8}), memory = floats({2, 4, 7, 8});
  const at::Tensor split = split_heads({2, 5, 4, 8});
  Stacks calls = {
      call(query, query, query),
      call(query, memory, memory),
      call(query, query, query, none, /*is_causal=*/true),
      call(split, split, split),
      call(split, split, split, none, /*is_causal=*/true),
      call(split_heads({1, 5, 4, 8}), split_heads({1, 5, 4, 8}), split_heads({1, 5, 4, 8})),
      call(split, memory, memory, floats({5, 7})),
      call(split, memory, memory, bools({2, 1, 5, 7}).logical_or(floats({7}) > 0)),
      call(split, memory, memory, floats({1, 4, 1, 7})),
      call(query, memory, memory, floats({4, 5, 7})),
      call(split, memory, floats({2, 4, 7, 6})),
      call(split, floats({2, 2, 7, 8}), floats({2, 2, 7, 8}), none, false, /*enable_gqa=*/true),
      call(split, floats({2, 1, 7, 8}), floats({2, 1, 7, 8})),
      call(split, floats({1, 4, 7, 8}), floats({1, 4, 7, 8})),
      call(floats({2, 5, 8}), floats({2, 7, 8}), floats({2, 7, 8})),
      call(floats({5, 8}), floats({7, 8}), floats({7, 8})),
      call(floats({2, 3, 4, 5, 8}), floats({2, 3, 4, 7, 8}), floats({2, 3, 4, 7, 8})),
      call(floats({2, 4, 8, 5}).transpose(2, 3), query, query),
      call(split.to(at::kDouble), split.to(at::kDouble), split.to(at::kDouble)),
      call(split.to(at::kBFloat16), split.to(at::kBFloat16), split.to(at::kBFloat16)),
  };
  calls.push_back({split, split, split, none, 0.0, false, 0.25, false});
  return calls;
}

Stacks flash_attention_for_cpu() {
  const at::Tensor query = floats({2, 4, 5, 8}), split = split_heads({2, 5, 4, 8});
  return {
      {query, query, query, 0.0, false, none, none},
      {split, query, query, 0.0, true, none, none},
      {split, floats({2, 4, 7, 8}), floats({2, 4, 7, 8}), 0.0, false, floats({5, 7}), 0.5},
      {split.to(at::kBFloat16), split.to(at::kBFloat16), split.to(at::kBFloat16), 0.0, false, none, none},
      {split.to(at::kDouble), split.to(at::kDouble), split.to(at::kDouble), 0.0, false, none, none},
  };
}

}  // namespace

std::span<const OperatorSamples> attention_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::scaled_dot_product_attention", scaled_dot_product_attention},
      {"aten::_scaled_dot_product_flash_attention_for_cpu", flash_attention_for_cpu},
  };
  return table;
}

}  // namespace tracejet::samples
