#pragma once

#include <optional>

#include <ATen/core/Tensor.h>

/// Quantization as arithmetic: the operators of quantized_decomposed.
namespace tracejet::decompositions {

at::Tensor quantize_per_tensor(const at::Tensor& input, double scale, int64_t zero_point, int64_t quant_min,
                               int64_t quant_max, at::ScalarType dtype);
at::Tensor quantize_per_tensor_of_tensors(const at::Tensor& input, const at::Tensor& scale,
                                          const at::Tensor& zero_point, int64_t quant_min, int64_t quant_max,
                                          at::ScalarType dtype);
at::Tensor quantize_per_tensor_in_range(const at::Tensor& input, const at::Tensor& scale, const at::Tensor& zero_point,
                                        const at::Tensor& quant_min, const at::Tensor& quant_max, at::ScalarType dtype);

at::Tensor dequantize_per_tensor(const at::Tensor& input, double scale, int64_t zero_point, int64_t quant_min,
                                 int64_t quant_max, at::ScalarType dtype, std::optional<at::ScalarType> out_dtype);
at::Tensor dequantize_per_tensor_of_tensors(const at::Tensor& input, const at::Tensor& scale,
                                            const at::Tensor& zero_point, int64_t quant_min, int64_t quant_max,
                                            at::ScalarType dtype, std::optional<at::ScalarType> out_dtype);
at::Tensor dequantize_per_tensor_in_range(const at::Tensor& input, const at::Tensor& scale,
                                          const at::Tensor& zero_point, const at::Tensor& quant_min,
                                          const at::Tensor& quant_max, at::ScalarType dtype,
                                          std::optional<at::ScalarType> out_dtype);

at::Tensor quantize_per_channel(const at::Tensor& input, const at::Tensor& scales, const at::Tensor& zero_points,
                                int64_t axis, int64_t quant_min, int64_t quant_max, at::ScalarType dtype);
at::Tensor dequantize_per_channel(const at::Tensor& input, const at::Tensor& scales,
                                  const std::optional<at::Tensor>& zero_points, int64_t axis, int64_t quant_min,
                                  int64_t quant_max, at::ScalarType dtype, std::optional<at::ScalarType> out_dtype);

/// One scale for each row.
at::Tensor quantize_per_token(const at::Tensor& input, const at::Tensor& scales, const at::Tensor& zero_points,
                              int64_t quant_min, int64_t quant_max, at::ScalarType dtype);
at::Tensor dequantize_per_token(const at::Tensor& input, const at::Tensor& scales, const at::Tensor& zero_points,
                                int64_t quant_min, int64_t quant_max, at::ScalarType dtype,
                                at::ScalarType output_dtype);

}  // namespace tracejet::decompositions
