// PyTorch: torch/ao/quantization/fx/_decomposed.py.
#include "ops/quantization/decompositions.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/reciprocal.h>
#include <ATen/ops/round.h>

#include "ir/tensor_meta.h"
#include "ops/optional_tensor.h"

// Each follows its kernel to the last bit: what is rounded to an integer shows the smallest difference.
namespace tracejet::decompositions {

namespace {

/// Its one element.
at::Tensor scalar(const at::Tensor& tensor, at::ScalarType dtype) { return tensor.reshape({}).to(dtype); }

/// What `input` is quantized to, before it is kept in bounds.
at::Tensor steps_of(const at::Tensor& input, const at::Tensor& scale, const at::Tensor& zero_point) {
  const at::Tensor inverse = at::reciprocal(scalar(scale, at::kDouble)).to(at::kFloat);
  return at::round(input.to(at::kFloat) * inverse) + scalar(zero_point, at::kFloat);
}

/// A vector along the first axis.
at::Tensor along_first(const at::Tensor& vector, int64_t rank) {
  Sizes sizes(static_cast<size_t>(rank), 1);
  sizes[0] = vector.sym_size(0);
  return vector.view_symint(sizes);
}

}  // namespace

at::Tensor quantize_per_tensor(const at::Tensor& input, double scale, int64_t zero_point, int64_t quant_min,
                               int64_t quant_max, at::ScalarType dtype) {
  const at::Tensor steps = at::round(input.to(at::kFloat) * (1.0 / scale)) + zero_point;
  return at::clamp(steps, quant_min, quant_max).to(dtype);
}

at::Tensor quantize_per_tensor_of_tensors(const at::Tensor& input, const at::Tensor& scale,
                                          const at::Tensor& zero_point, int64_t quant_min, int64_t quant_max,
                                          at::ScalarType dtype) {
  return at::clamp(steps_of(input, scale, zero_point), quant_min, quant_max).to(dtype);
}

at::Tensor quantize_per_tensor_in_range(const at::Tensor& input, const at::Tensor& scale, const at::Tensor& zero_point,
                                        const at::Tensor& quant_min, const at::Tensor& quant_max,
                                        at::ScalarType dtype) {
  const at::Tensor least = scalar(quant_min, at::kFloat), most = scalar(quant_max, at::kFloat);
  return at::clamp(steps_of(input, scale, zero_point), least, most).to(dtype);
}

at::Tensor dequantize_per_tensor(const at::Tensor& input, double scale, int64_t zero_point, int64_t, int64_t,
                                 at::ScalarType, std::optional<at::ScalarType> out_dtype) {
  return (input.to(out_dtype.value_or(at::kFloat)) - zero_point) * scale;
}

at::Tensor dequantize_per_tensor_of_tensors(const at::Tensor& input, const at::Tensor& scale,
                                            const at::Tensor& zero_point, int64_t, int64_t, at::ScalarType,
                                            std::optional<at::ScalarType> out_dtype) {
  const at::ScalarType result = out_dtype.value_or(at::kFloat);
  // The kernel reads both as numbers, which 16-bit results are computed with in float32.
  const at::ScalarType wide = result == at::kDouble ? at::kDouble : at::kFloat;
  const at::Tensor steps = (input.to(result).to(wide) - scalar(zero_point, wide)).to(result);
  return (steps.to(wide) * scalar(scale, wide)).to(result);
}

at::Tensor dequantize_per_tensor_in_range(const at::Tensor& input, const at::Tensor& scale,
                                          const at::Tensor& zero_point, const at::Tensor&, const at::Tensor&,
                                          at::ScalarType dtype, std::optional<at::ScalarType> out_dtype) {
  return dequantize_per_tensor_of_tensors(input, scale, zero_point, 0, 0, dtype, out_dtype);
}

at::Tensor quantize_per_channel(const at::Tensor& input, const at::Tensor& scales, const at::Tensor& zero_points,
                                int64_t axis, int64_t quant_min, int64_t quant_max, at::ScalarType dtype) {
  const at::Tensor inverse = at::reciprocal(along_first(scales, input.dim()));
  const at::Tensor steps = at::round(input.to(at::kFloat).transpose(0, axis) * inverse);
  const at::Tensor moved = steps + along_first(zero_points, input.dim());
  return at::clamp(moved, quant_min, quant_max).transpose(0, axis).to(dtype);
}

at::Tensor dequantize_per_channel(const at::Tensor& input, const at::Tensor& scales,
                                  const std::optional<at::Tensor>& zero_points, int64_t axis, int64_t, int64_t,
                                  at::ScalarType, std::optional<at::ScalarType> out_dtype) {
  at::Tensor steps = input.transpose(0, axis);
  if (given(zero_points)) steps = steps - along_first(*zero_points, input.dim());
  const at::Tensor result = steps * along_first(scales, input.dim());
  return result.to(out_dtype.value_or(at::kFloat)).transpose(0, axis);
}

at::Tensor quantize_per_token(const at::Tensor& input, const at::Tensor& scales, const at::Tensor& zero_points,
                              int64_t quant_min, int64_t quant_max, at::ScalarType dtype) {
  const at::Tensor steps = at::round(input * at::reciprocal(scales) + zero_points);
  return at::clamp(steps, quant_min, quant_max).to(dtype);
}

at::Tensor dequantize_per_token(const at::Tensor& input, const at::Tensor& scales, const at::Tensor& zero_points,
                                int64_t, int64_t, at::ScalarType, at::ScalarType output_dtype) {
  return ((input - zero_points) * scales).to(output_dtype);
}

}  // namespace tracejet::decompositions
