#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

const c10::IValue kInt8 = type(at::kChar), kUint8 = type(at::kByte), kFloat32 = type(at::kFloat);

at::Tensor scales(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat) {
  return (fractions(sizes) * 0.05 + 0.01).to(dtype);
}
at::Tensor zeros(at::IntArrayRef sizes, at::ScalarType dtype = at::kLong) { return at::full(sizes, 0, dtype); }
at::Tensor one(const at::Scalar& value, at::ScalarType dtype) { return at::full({1}, value, dtype); }
at::Tensor small(at::IntArrayRef sizes) { return integers(sizes, 100, at::kChar) - 50; }
at::Tensor channels_last(const at::Tensor& tensor) { return tensor.contiguous(at::MemoryFormat::ChannelsLast); }

Stacks quantize_per_tensor() {
  Stacks calls = each(layouts(), {0.03, 5, 0, 255, kUint8});
  calls.push_back({floats({3, 4}) * 10, 0.05, -3, -128, 127, kInt8});
  calls.push_back({floats({3, 4}), 0.02, 0, -7, 7, kInt8});
  calls.push_back({floats({3, 4}, at::kHalf), 0.02, 7, 0, 255, kUint8});
  calls.push_back({floats({3, 4}, at::kBFloat16), 0.02, 7, 0, 200, kUint8});
  calls.push_back({floats({3, 4}), 1e-4, 7, -20000, 20000, type(at::kShort)});
  calls.push_back({floats({3, 4}), 1e-6, 0, -2000000, 2000000, type(at::kInt)});
  return calls;
}

Stacks quantize_per_tensor_of_tensors() {
  return {
      {floats({3, 4}), one(0.03, at::kDouble), one(5, at::kLong), 0, 255, kUint8},
      {floats({}), one(0.03, at::kFloat), one(-5, at::kInt), -128, 127, kInt8},
      {floats({2, 3, 4}, at::kHalf), at::full({}, 0.03, at::kFloat), at::full({}, 1, at::kLong), -100, 90, kInt8},
  };
}

Stacks quantize_per_tensor_in_range() {
  return {{floats({3, 4}), one(0.03, at::kFloat), one(5, at::kLong), one(0, at::kLong), one(255, at::kLong), kUint8},
          {floats({3, 4}), one(0.03, at::kDouble), one(5, at::kInt), one(-7, at::kLong), one(60, at::kLong), kInt8}};
}

Stacks dequantize_per_tensor() {
  Stacks calls = each({small({3, 4}), small({2, 3}).t(), small({}), small({2, 0})}, {0.03, 5, -128, 127, kInt8, none});
  calls.push_back({integers({3, 4}, 250, at::kByte), 0.05, 128, 0, 255, kUint8, none});
  calls.push_back({integers({3, 4}, 250, at::kByte), 0.05, 128, 0, 255, kUint8, type(at::kBFloat16)});
  calls.push_back({integers({3, 4}, 9999, at::kInt), 0.05, 3, -10000, 10000, type(at::kInt), none});
  return calls;
}

Stacks dequantize_per_tensor_of_tensors() {
  return {
      {small({3, 4}), one(0.03, at::kDouble), one(5, at::kLong), -128, 127, kInt8, none},
      {small({2, 3, 4}), one(0.03, at::kFloat), one(5, at::kInt), -128, 127, kInt8, type(at::kHalf)},
  };
}

Stacks dequantize_per_tensor_in_range() {
  const auto bound = [](int64_t value) { return one(value, at::kLong); };
  return {{small({3, 4}), one(0.03, at::kFloat), one(5, at::kLong), bound(-128), bound(127), kInt8, none}};
}

Stacks quantize_per_channel() {
  return {
      {floats({3, 4}), scales({3}), zeros({3}), 0, -128, 127, kInt8},
      {floats({3, 4}), scales({4}), integers({4}, 5), 1, -128, 127, kInt8},
      {floats({3, 4}), scales({4}, at::kDouble), integers({4}, 5, at::kInt), -1, 0, 200, kUint8},
      {channels_last(floats({2, 3, 4, 5})), scales({3}), integers({3}, 5), 1, -127, 127, kInt8},
      {floats({2, 3, 4}, at::kHalf), scales({3}), integers({3}, 5), 1, -128, 127, kInt8},
  };
}

Stacks dequantize_per_channel() {
  return {
      {small({3, 4}), scales({3}), zeros({3}), 0, -128, 127, kInt8, none},
      {small({3, 4}), scales({4}), integers({4}, 5), 1, -128, 127, kInt8, none},
      {small({3, 4}), scales({3}), none, 0, -128, 127, kInt8, type(at::kHalf)},
      {small({3, 4}), scales({3}, at::kDouble), integers({3}, 5, at::kInt), 0, -128, 127, kInt8, none},
      {channels_last(small({2, 3, 4, 5})), scales({2}), zeros({2}), 0, -127, 127, kInt8, none},
      {integers({2, 3, 4}, 200, at::kByte), scales({4}), integers({4}, 50), 2, 0, 255, kUint8, none},
  };
}

Stacks quantize_per_token() {
  return {
      {floats({3, 4}), scales({3, 1}), zeros({3, 1}), -128, 127, kInt8},
      {floats({2, 3, 4}), scales({2, 3, 1}, at::kDouble), integers({2, 3, 1}, 5), -128, 127, kInt8},
      {floats({2, 3, 4}), scales({2, 3, 1}), zeros({2, 3, 1}, at::kFloat), 0, 200, kUint8},
  };
}

Stacks dequantize_per_token() {
  return {
      {small({3, 4}), scales({3, 1}), zeros({3, 1}), -128, 127, kInt8, kFloat32},
      {small({2, 3, 4}), scales({2, 3, 1}, at::kDouble), integers({2, 3, 1}, 5), -128, 127, kInt8, kFloat32},
      {small({2, 3, 4}), scales({2, 3, 1}), integers({2, 3, 1}, 5, at::kInt), -128, 127, kInt8, type(at::kHalf)},
  };
}

Stacks quantize_per_channel_group() {
  return {
      {floats({3, 8}), scales({3, 2}), integers({3, 2}, 3), -8, 7, kInt8, 4},
      {floats({3, 8}), scales({3, 1}), zeros({3, 1}), -8, 7, kInt8, 16},
  };
}

Stacks dequantize_per_channel_group() {
  return {
      {small({3, 8}), scales({3, 2}), integers({3, 2}, 3), -8, 7, kInt8, 4, kFloat32},
      {small({3, 8}), scales({3, 2}), none, -8, 7, kInt8, 4, type(at::kHalf)},
  };
}

Stacks choose_qparams() {
  return {
      {floats({3, 4}), -128, 127, 1e-5, kInt8},
      {floats({5}).abs(), 0, 255, 1e-5, kUint8},
      {floats({3, 4}, at::kHalf), -128, 127, 1e-5, kInt8},
  };
}

Stacks choose_qparams_per_token() {
  return {{floats({3, 4}), kInt8}, {floats({2, 3, 4}), kInt8}, {floats({2, 4, 3}).transpose(1, 2), kInt8}};
}

Stacks convert_element_type() { return each(layouts(), {type(at::kHalf)}); }

Stacks quantize_affine() {
  const auto blocks = [](std::initializer_list<int64_t> sizes) { return c10::IValue(std::vector<int64_t>(sizes)); };
  return {
      {floats({3, 8}), blocks({3, 8}), scales({}), zeros({}), kInt8, none, none},
      {floats({3, 8}), blocks({3, 8}), scales({1}), one(3, at::kInt), kUint8, 0, 255},
      {floats({3, 8}), blocks({1, 8}), scales({3, 1}), zeros({3, 1}, at::kChar), kInt8, -128, 127},
      {floats({3, 8}), blocks({3, 1}), scales({8}), integers({8}, 5), kInt8, -8, 7},
      {floats({3, 8}), blocks({1, 4}), scales({3, 2}), integers({3, 2}, 3), kInt8, -8, 7},
      {floats({4, 3, 8}), blocks({1, 1, 8}), scales({4, 3, 1}), zeros({4, 3, 1}), kInt8, none, none},
      {floats({4, 6}), blocks({2, 3}), scales({2, 2}), integers({2, 2}, 3), type(at::ScalarType::UInt4), 0, 15},
      {floats({3, 8}), blocks({1, 1}), scales({3, 8}), zeros({3, 8}), kInt8, none, none},
      {floats({8, 3}).t(), blocks({1, 8}), scales({3}), zeros({3}), kInt8, none, none},
      {floats({3, 8}, at::kBFloat16), blocks({1, 4}), scales({3, 2}, at::kBFloat16), zeros({3, 2}), kInt8, -8, 7},
      {floats({3, 8}, at::kHalf), blocks({1, 8}), scales({3, 1}), zeros({3, 1}), kInt8, none, none},
  };
}

Stacks dequantize_affine() {
  const auto blocks = [](std::initializer_list<int64_t> sizes) { return c10::IValue(std::vector<int64_t>(sizes)); };
  const c10::IValue uint4 = type(at::ScalarType::UInt4), half = type(at::kHalf), brief = type(at::kBFloat16);
  return {
      {small({3, 8}), blocks({3, 8}), scales({}), zeros({}), kInt8, none, none, kFloat32},
      {small({3, 8}), blocks({1, 8}), scales({3}), none, kInt8, none, none, kFloat32},
      {small({3, 8}), blocks({3, 1}), scales({8}), integers({8}, 5, at::kInt), kInt8, -128, 127, kFloat32},
      {small({3, 8}), blocks({1, 4}), scales({3, 2}), integers({3, 2}, 3, at::kChar), kInt8, -8, 7, kFloat32},
      {integers({4, 6}, 16, at::kByte), blocks({2, 3}), scales({2, 2}), integers({2, 2}, 3), uint4, 0, 15, kFloat32},
      {small({4, 3, 8}), blocks({1, 1, 8}), scales({4, 3}), zeros({4, 3}), kInt8, none, none, kFloat32},
      {small({8, 3}).t(), blocks({1, 8}), scales({3}), zeros({3}), kInt8, none, none, kFloat32},
      {small({3, 8}), blocks({1, 4}), scales({3, 2}, at::kBFloat16), integers({3, 2}, 3), kInt8, -8, 7, brief},
      {small({3, 8}), blocks({1, 4}), scales({3, 2}), none, kInt8, -8, 7, half},
  };
}

Stacks choose_qparams_affine() {
  const auto blocks = [](std::initializer_list<int64_t> sizes) { return c10::IValue(std::vector<int64_t>(sizes)); };
  const at::Tensor matrix = floats({3, 8});
  const c10::IValue int8 = kInt8, int32 = type(at::kInt);
  Stacks calls;
  for (const char* mapping : {"SYMMETRIC", "SYMMETRIC_NO_CLIPPING_ERR", "ASYMMETRIC"}) {
    for (const bool keeps : {false, true}) {
      calls.push_back({matrix, mapping, blocks({1, 8}), int8, -128, 127, 1e-6, kFloat32, int32, keeps});
      calls.push_back({matrix, mapping, blocks({1, 4}), int8, -8, 7, none, none, none, keeps});
      calls.push_back({matrix, mapping, blocks({3, 8}), int8, none, none, none, none, int8, keeps});
    }
  }
  calls.push_back({floats({4, 3, 8}), "ASYMMETRIC", blocks({1, 1, 8}), int8, -128, 127, none, none, int8, false});
  calls.push_back(
      {floats({4, 3, 8}, at::kHalf), "SYMMETRIC", blocks({1, 1, 8}), int8, none, none, none, none, none, false});
  calls.push_back(
      {floats({4, 6}), "ASYMMETRIC", blocks({2, 3}), kUint8, 0, 255, none, type(at::kBFloat16), int32, true});
  return calls;
}

Stacks choose_scale_float8() {
  const auto blocks = [](std::initializer_list<int64_t> sizes) { return c10::IValue(std::vector<int64_t>(sizes)); };
  const c10::IValue float8 = type(at::kFloat8_e4m3fn);
  return {
      {floats({3, 8}), blocks({1, 8}), float8, kFloat32, none, none},
      {floats({3, 8}), blocks({3, 8}), float8, kFloat32, none, 1.5},
      {floats({4, 8}), blocks({2, 4}), float8, kFloat32, 0.1, none},
  };
}

Stacks quantize_affine_float8() {
  const c10::IValue float8 = type(at::kFloat8_e4m3fn);
  return {
      {floats({3, 8}), scales({3, 1}), float8},
      {floats({3, 8}), scales({3, 2}), float8},
      {floats({3, 8}, at::kBFloat16), scales({}), type(at::kFloat8_e5m2)},
  };
}

Stacks dequantize_affine_float8() {
  const at::Tensor stored = floats({3, 8}).to(at::kFloat8_e4m3fn);
  return {
      {stored, scales({3, 1}), kFloat32}, {stored, scales({3, 2}), kFloat32}, {stored, scales({}), type(at::kHalf)}};
}

}  // namespace

std::span<const OperatorSamples> quantization_samples() {
  static constexpr OperatorSamples table[] = {
      {"quantized_decomposed::quantize_per_tensor", quantize_per_tensor},
      {"quantized_decomposed::quantize_per_tensor.tensor", quantize_per_tensor_of_tensors},
      {"quantized_decomposed::quantize_per_tensor.tensor2", quantize_per_tensor_in_range},
      {"quantized_decomposed::dequantize_per_tensor", dequantize_per_tensor},
      {"quantized_decomposed::dequantize_per_tensor.tensor", dequantize_per_tensor_of_tensors},
      {"quantized_decomposed::dequantize_per_tensor.tensor2", dequantize_per_tensor_in_range},
      {"quantized_decomposed::quantize_per_channel", quantize_per_channel},
      {"quantized_decomposed::dequantize_per_channel", dequantize_per_channel},
      {"quantized_decomposed::quantize_per_token", quantize_per_token},
      {"quantized_decomposed::dequantize_per_token", dequantize_per_token},
      {"quantized_decomposed::quantize_per_channel_group", quantize_per_channel_group},
      {"quantized_decomposed::dequantize_per_channel_group", dequantize_per_channel_group},
      {"quantized_decomposed::choose_qparams.tensor", choose_qparams},
      {"quantized_decomposed::choose_qparams_symmetric.tensor", choose_qparams},
      {"quantized_decomposed::choose_qparams_per_token", choose_qparams_per_token},
      {"quantized_decomposed::choose_qparams_per_token_asymmetric", choose_qparams_per_token},
      {"quantized_decomposed::convert_element_type.no_fuse", convert_element_type},
      {"torchao::quantize_affine", quantize_affine},
      {"torchao::dequantize_affine", dequantize_affine},
      {"torchao::choose_qparams_affine", choose_qparams_affine},
      {"torchao::choose_scale_float8", choose_scale_float8},
      {"torchao::quantize_affine_float8_non_decomposed", quantize_affine_float8},
      {"torchao::dequantize_affine_float8_non_decomposed", dequantize_affine_float8},
  };
  return table;
}

}  // namespace tracejet::samples
