// Quantization, by way of export (quantized_decomposed) and by torchao. Both libraries register their operators when
// Python imports them, so these entries may be of operators that PyTorch doesn't have yet.
// PyTorch: torch/ao/quantization/fx/_decomposed.py, torchao/quantization/quant_primitives.py.
#include "ops/families.h"
#include "ops/quantization/blocks.h"
#include "ops/quantization/decompositions.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

void require_quantizable(const TensorMeta& input) {
  require(input.dtype == at::kFloat || input.dtype == at::kHalf || input.dtype == at::kBFloat16,
          [&] { return std::string("input is ") + c10::toString(input.dtype) + ", expected Float, Half or BFloat16"; });
}

/// A quantized tensor says its dtype twice.
void require_dtype(const Call& call, at::ScalarType declared) {
  const auto given = call.tensor("input").dtype;
  require(given == declared, [&] {
    return std::string("input is ") + c10::toString(given) + ", expected " + c10::toString(declared) + " as declared";
  });
}

void require_one_element(const Call& call, std::string_view name) {
  if (call.is_number(name)) return;
  const TensorMeta& tensor = call.tensor(name);
  require_equal_sizes(tensor.numel(), 1, [&] {
    return std::string(name) + " is " + shape::text(tensor.sizes) + ", expected one element";
  });
}

at::ScalarType dequantized_dtype(const Call& call) { return call.dtype("out_dtype").value_or(at::kFloat); }

// Of quantized_decomposed ---------------------------------------------------------------------------------------------

void require_one_of_each(const Call& call) {
  if (call.op().operator_name().overload_name.empty()) return;  // plain numbers
  require_one_element(call, "scale");
  require_one_element(call, "zero_point");
}

Metas quantize_per_tensor(const Call& call) {
  require_quantizable(call.tensor("input"));
  require_one_of_each(call);
  return {shape::like(call.tensor("input"), *call.dtype())};
}

Metas dequantize_per_tensor(const Call& call) {
  require_dtype(call, *call.dtype());
  require_one_of_each(call);
  return {shape::like(call.tensor("input"), dequantized_dtype(call))};
}

TensorMeta with_swapped_axes(const TensorMeta& tensor, int64_t a, int64_t b) {
  Sizes sizes = tensor.sizes, strides = tensor.strides;
  std::swap(sizes[a], sizes[b]);
  std::swap(strides[a], strides[b]);
  return shape::view_of(tensor, std::move(sizes), std::move(strides));
}

/// The channels come first while it is computed, which shows in the layout of the result.
TensorMeta per_channel(const Call& call, at::ScalarType dtype) {
  const TensorMeta& input = call.tensor("input");
  const int64_t axis = call.axis("axis", input.dim());
  const TensorMeta channels_first = with_swapped_axes(input, 0, axis);
  const auto along_channels = [&](const TensorMeta& vector, std::string_view name) {
    require_equal_sizes(vector.numel(), input.sizes[axis], [&] {
      return std::string(name) + " is " + shape::text(vector.sizes) + ", expected one for each of the " +
             shape::text({input.sizes[axis]}) + " channels";
    });
    Sizes sizes(static_cast<size_t>(input.dim()), 1);
    sizes[0] = vector.numel();
    return shape::contiguous(std::move(sizes), vector.dtype, vector.device);
  };
  const TensorMeta scales = along_channels(call.tensor("scales"), "scales");
  TensorMeta result = shape::pointwise({&channels_first, &scales}, dtype);
  if (const TensorMeta* zero_points = call.optional_tensor("zero_points")) {
    const TensorMeta offsets = along_channels(*zero_points, "zero_points");
    result = shape::pointwise({&result, &offsets}, dtype);
  }
  return with_swapped_axes(result, 0, axis);
}

Metas quantize_per_channel(const Call& call) {
  require_quantizable(call.tensor("input"));
  return {per_channel(call, *call.dtype())};
}

Metas dequantize_per_channel(const Call& call) {
  require_dtype(call, *call.dtype());
  return {per_channel(call, dequantized_dtype(call))};
}

TensorMeta per_token(const Call& call, at::ScalarType dtype) {
  const TensorMeta& input = call.tensor("input");
  c10::SymInt tokens = 1;
  for (int64_t axis = 0; axis + 1 < input.dim(); ++axis) tokens = tokens * input.sizes[axis];
  for (const std::string_view name : {"scales", "zero_points"}) {
    const TensorMeta& given = call.tensor(name);
    require_equal_sizes(given.numel(), tokens, [&] {
      return std::string(name) + " is " + shape::text(given.sizes) + ", expected one for each of the " +
             shape::text({tokens}) + " tokens";
    });
  }
  const TensorMeta scaled = shape::pointwise({&input, &call.tensor("scales")}, dtype);
  return shape::pointwise({&scaled, &call.tensor("zero_points")}, dtype);
}

Metas quantize_per_token(const Call& call) { return {per_token(call, *call.dtype())}; }
Metas dequantize_per_token(const Call& call) { return {per_token(call, *call.dtype("output_dtype"))}; }

TensorMeta per_channel_group(const Call& call, std::string_view input_name, at::ScalarType dtype) {
  const TensorMeta& input = call.tensor(input_name);
  const auto message = [&] {
    return "input is " + shape::text(input.sizes) + " and the groups have " +
           std::to_string(call.integer("group_size")) + " elements, expected a matrix of whole groups in each row";
  };
  require(input.dim() == 2 && call.integer("group_size") > 1, message);
  // One that is larger than a row means the row.
  const bool is_row = shape::is_one(call.tensor("scales").sizes.back()) &&
                      shape::layout_less(input.sizes[1], call.integer("group_size"));
  if (!is_row) require_equal_sizes(input.sizes[1] % call.integer("group_size"), 0, message);
  return shape::contiguous(input.sizes, dtype, input.device);
}

Metas quantize_per_channel_group(const Call& call) { return {per_channel_group(call, "input", *call.dtype())}; }
Metas dequantize_per_channel_group(const Call& call) {
  return {per_channel_group(call, "input", *call.dtype("output_dtype"))};
}

/// One scale and one zero point for everything.
Metas choose_qparams(const Call& call) {
  const TensorMeta& input = call.tensor("input");
  require_quantizable(input);
  return {shape::contiguous({1}, at::kDouble, input.device), shape::contiguous({1}, at::kLong, input.device)};
}

Metas of_each_token(const Call& call, at::ScalarType scale, at::ScalarType zero_point) {
  const TensorMeta& input = call.tensor("input");
  require(input.dim() > 0, [] { return std::string("input has no axis, expected [..., features]"); });
  Sizes sizes = input.sizes;
  sizes.back() = 1;
  return {shape::contiguous(sizes, scale, input.device), shape::contiguous(sizes, zero_point, input.device)};
}

/// What the kernel gives; its fake implementation says float64 and int64.
Metas choose_qparams_per_token(const Call& call) {
  const auto dtype = call.tensor("input").dtype;
  const auto scale = dtype == at::kHalf ? at::kFloat : dtype;
  return of_each_token(call, scale, scale);
}

Metas choose_qparams_per_token_asymmetric(const Call& call) { return of_each_token(call, at::kDouble, at::kLong); }

Metas convert_element_type(const Call& call) { return {shape::like(call.tensor("input"), *call.dtype())}; }

// Of torchao ----------------------------------------------------------------------------------------------------------

bool is_few_bits(at::ScalarType dtype) { return dtype >= at::ScalarType::UInt1 && dtype <= at::ScalarType::UInt7; }

/// Types of fewer than eight bits are stored in bytes; signed ones can't be asked for, for nothing converts to them.
at::ScalarType stored(at::ScalarType dtype) {
  if (is_few_bits(dtype)) return at::kByte;
  const bool is_signed_bits = dtype >= at::ScalarType::Int1 && dtype <= at::ScalarType::Int7;
  require(!is_signed_bits, [&] {
    return std::string("output_dtype is ") + c10::toString(dtype) +
           ", which PyTorch doesn't convert to; expected Char, with quant_min and quant_max";
  });
  return dtype;
}

/// The tensor as its blocks show it, one value for each.
TensorMeta for_each_block(const Call& call, std::string_view name, const Blocks& blocks) {
  const TensorMeta& given = call.tensor(name);
  c10::SymInt count = 1;
  for (const c10::SymInt& size : blocks.count) count = count * size;
  require_equal_sizes(given.numel(), count, [&] {
    return std::string(name) + " is " + shape::text(given.sizes) + ", expected one for each of " +
           shape::text(blocks.count) + " blocks";
  });
  return shape::contiguous(blocks.count, given.dtype, given.device);
}

/// A pointwise computation on blocks, shown in the sizes of the input again.
TensorMeta computed_in_blocks(const Call& call, at::ScalarType dtype) {
  const TensorMeta& input = call.tensor("input");
  const Blocks blocks = in_blocks(input, call.sym_ints("block_size"));
  const TensorMeta scale = for_each_block(call, "scale", blocks);
  TensorMeta result = shape::pointwise({&blocks.shown, &scale}, dtype);
  if (call.has("zero_point")) {
    const TensorMeta zero_point = for_each_block(call, "zero_point", blocks);
    result = shape::pointwise({&result, &zero_point}, dtype);
  }
  return viewed(result, input.sizes, input);
}

Metas quantize_affine(const Call& call) {
  require_quantizable(call.tensor("input"));
  require(call.has("zero_point"), [] { return std::string("zero_point is None, expected a tensor"); });
  return {computed_in_blocks(call, stored(*call.dtype("output_dtype")))};
}

Metas dequantize_affine(const Call& call) {
  const auto declared = *call.dtype("input_dtype");
  if (!is_few_bits(declared)) require_dtype(call, declared);
  return {computed_in_blocks(call, *call.dtype("output_dtype"))};
}

Metas choose_qparams_affine(const Call& call) {
  const TensorMeta& input = call.tensor("input");
  const Blocks blocks = in_blocks(input, call.sym_ints("block_size"));
  const auto scale_dtype = call.dtype("scale_dtype").value_or(input.dtype);
  const bool is_symmetric = call.text("mapping_type") != "ASYMMETRIC";
  const auto zero_point_dtype = call.dtype("zero_point_dtype").value_or(is_symmetric ? input.dtype : at::kInt);
  Sizes sizes = blocks.per_axis;
  if (!call.flag("keepdim")) sizes = shape::reduced(blocks.shown, blocks.within, /*keep=*/false, input.dtype).sizes;
  return {shape::contiguous(sizes, scale_dtype, input.device),
          shape::contiguous(sizes, zero_point_dtype, input.device)};
}

Metas choose_scale_float8(const Call& call) {
  const TensorMeta& input = call.tensor("tensor");
  return {shape::contiguous(in_blocks(input, call.sym_ints("block_size")).per_axis, at::kFloat, input.device)};
}

Metas quantize_affine_float8(const Call& call) {
  return {shape::like(call.tensor("tensor"), *call.dtype("float8_dtype"))};
}
Metas dequantize_affine_float8(const Call& call) {
  return {shape::like(call.tensor("tensor"), *call.dtype("output_dtype"))};
}

}  // namespace

std::span<const Operator> quantization_operators() {
  static constexpr Operator table[] = {
      {.name = "quantized_decomposed::quantize_per_tensor",
       .meta = quantize_per_tensor,
       .decompose = expand<&decompositions::quantize_per_tensor>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::quantize_per_tensor.tensor",
       .meta = quantize_per_tensor,
       .decompose = expand<&decompositions::quantize_per_tensor_of_tensors>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::quantize_per_tensor.tensor2",
       .meta = quantize_per_tensor,
       .decompose = expand<&decompositions::quantize_per_tensor_in_range>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::dequantize_per_tensor",
       .meta = dequantize_per_tensor,
       .decompose = expand<&decompositions::dequantize_per_tensor>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::dequantize_per_tensor.tensor",
       .meta = dequantize_per_tensor,
       .decompose = expand<&decompositions::dequantize_per_tensor_of_tensors>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::dequantize_per_tensor.tensor2",
       .meta = dequantize_per_tensor,
       .decompose = expand<&decompositions::dequantize_per_tensor_in_range>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::quantize_per_channel",
       .meta = quantize_per_channel,
       .decompose = expand<&decompositions::quantize_per_channel>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::dequantize_per_channel",
       .meta = dequantize_per_channel,
       .decompose = expand<&decompositions::dequantize_per_channel>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::quantize_per_token",
       .meta = quantize_per_token,
       .decompose = expand<&decompositions::quantize_per_token>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::dequantize_per_token",
       .meta = dequantize_per_token,
       .decompose = expand<&decompositions::dequantize_per_token>,
       .kept_by_default = true},
      {.name = "quantized_decomposed::quantize_per_channel_group", .meta = quantize_per_channel_group},
      {.name = "quantized_decomposed::dequantize_per_channel_group", .meta = dequantize_per_channel_group},
      {.name = "quantized_decomposed::choose_qparams.tensor", .meta = choose_qparams},
      {.name = "quantized_decomposed::choose_qparams_symmetric.tensor", .meta = choose_qparams},
      {.name = "quantized_decomposed::choose_qparams_per_token", .meta = choose_qparams_per_token},
      {.name = "quantized_decomposed::choose_qparams_per_token_asymmetric",
       .meta = choose_qparams_per_token_asymmetric},
      {.name = "quantized_decomposed::convert_element_type.no_fuse", .meta = convert_element_type},
      // torchao makes these of ATen's operators itself, so they need no decomposition here.
      {.name = "torchao::quantize_affine", .meta = quantize_affine},
      {.name = "torchao::dequantize_affine", .meta = dequantize_affine},
      {.name = "torchao::choose_qparams_affine", .meta = choose_qparams_affine},
      {.name = "torchao::choose_scale_float8", .meta = choose_scale_float8},
      {.name = "torchao::quantize_affine_float8_non_decomposed", .meta = quantize_affine_float8},
      {.name = "torchao::dequantize_affine_float8_non_decomposed", .meta = dequantize_affine_float8},
  };
  return table;
}

}  // namespace tracejet
