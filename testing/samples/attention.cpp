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

/// Rows of a mask that hide nothing, one position, and all but one.
at::Tensor hidden(at::IntArrayRef sizes) {
  at::Tensor mask = bools(sizes);
  mask.select(-1, 0).fill_(false);
  return mask;
}

Stacks native_multi_head_attention() {
  const at::Tensor x = floats({2, 5, 8}), in = floats({24, 8}) / 4, out = floats({8, 8}) / 4;
  const at::Tensor in_bias = floats({24}), out_bias = floats({8});
  const auto call = [&](const at::Tensor& query, const at::Tensor& memory, bool needs_weights, bool averages,
                        const c10::IValue& mask = none, const c10::IValue& mask_type = none) -> torch::jit::Stack {
    return {query, memory, memory, 8, 2, in, in_bias, out, out_bias, mask, needs_weights, averages, mask_type};
  };
  return {
      call(x, x, true, true),
      call(x, x, true, false),
      call(floats({1, 5, 8}), floats({1, 5, 8}), true, true),
      call(x, x, true, true, hidden({5, 5}), 0),
      call(x, x, true, false, hidden({2, 5}), 1),
      call(x, x, true, true, hidden({2, 2, 5, 5}), 2),
  };
}

Stacks transformer_encoder_layer() {
  const at::Tensor x = floats({2, 5, 8}), in = floats({24, 8}) / 4, out = floats({8, 8}) / 4;
  const at::Tensor in_bias = floats({24}), bias = floats({8}), up = floats({12, 8}) / 4, down = floats({8, 12}) / 4;
  const auto call = [&](bool uses_gelu, bool norm_first, const c10::IValue& mask = none,
                        const c10::IValue& mask_type = none) -> torch::jit::Stack {
    return {x,    8,    2,    in,   in_bias, out,          bias, uses_gelu, norm_first, 1e-5,
            bias, bias, bias, bias, up,      floats({12}), down, bias,      mask,       mask_type};
  };
  return {
      call(false, false),
      call(true, true),
      call(true, false, hidden({5, 5}), 0),
      call(false, true, hidden({2, 5}), 1),
  };
}

}  // namespace

std::span<const OperatorSamples> attention_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::scaled_dot_product_attention", scaled_dot_product_attention},
      {"aten::_scaled_dot_product_flash_attention_for_cpu", flash_attention_for_cpu},
      {"aten::_native_multi_head_attention", native_multi_head_attention},
      {"aten::_transformer_encoder_layer_fwd", transformer_encoder_layer},
  };
  return table;
}

}  // namespace tracejet::samples
