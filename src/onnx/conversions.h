#pragma once

#include "ops/operator.h"

/// How ATen operators become ONNX: what the operator tables name in their `.onnx` fields.
namespace tracejet::onnx {

/// The functions behind the values below; `target` is the ONNX operator where a function serves several.
namespace convert {
#define TRACEJET_CONVERSION(name) void name(Lowering& to, const Call& call, std::string_view target)

// pointwise.cpp
TRACEJET_CONVERSION(unary);
TRACEJET_CONVERSION(exp);
TRACEJET_CONVERSION(sign);
TRACEJET_CONVERSION(abs);
TRACEJET_CONVERSION(rounding);
TRACEJET_CONVERSION(log_of_base);
TRACEJET_CONVERSION(log1p);
TRACEJET_CONVERSION(expm1);
TRACEJET_CONVERSION(exp2);
TRACEJET_CONVERSION(erfc);
TRACEJET_CONVERSION(rsqrt);
TRACEJET_CONVERSION(trunc);
TRACEJET_CONVERSION(float_test);
TRACEJET_CONVERSION(is_finite);
TRACEJET_CONVERSION(sign_bit);
TRACEJET_CONVERSION(logical_not);
TRACEJET_CONVERSION(bitwise_not);
TRACEJET_CONVERSION(add);
TRACEJET_CONVERSION(mul);
TRACEJET_CONVERSION(divide);
TRACEJET_CONVERSION(power);
TRACEJET_CONVERSION(extremum);
TRACEJET_CONVERSION(number_extremum);
TRACEJET_CONVERSION(remainder);
TRACEJET_CONVERSION(fmod);
TRACEJET_CONVERSION(atan2);
TRACEJET_CONVERSION(copysign);
TRACEJET_CONVERSION(hypot);
TRACEJET_CONVERSION(compare);
TRACEJET_CONVERSION(logical);
TRACEJET_CONVERSION(bitwise);
TRACEJET_CONVERSION(shift);
TRACEJET_CONVERSION(where);
TRACEJET_CONVERSION(clamp);
TRACEJET_CONVERSION(cast);

// activation.cpp
TRACEJET_CONVERSION(gelu);
TRACEJET_CONVERSION(elu);
TRACEJET_CONVERSION(leaky_relu);
TRACEJET_CONVERSION(prelu);
TRACEJET_CONVERSION(hardtanh);
TRACEJET_CONVERSION(relu6);
TRACEJET_CONVERSION(hardsigmoid);
TRACEJET_CONVERSION(hardswish);
TRACEJET_CONVERSION(softplus);
TRACEJET_CONVERSION(silu);
TRACEJET_CONVERSION(mish);
TRACEJET_CONVERSION(log_sigmoid);
TRACEJET_CONVERSION(glu);
TRACEJET_CONVERSION(softmax);
TRACEJET_CONVERSION(safe_softmax);

// reduction.cpp
TRACEJET_CONVERSION(reduce);
TRACEJET_CONVERSION(extremum_over);
TRACEJET_CONVERSION(any);
TRACEJET_CONVERSION(all);
TRACEJET_CONVERSION(cumsum);
TRACEJET_CONVERSION(variance);

// order.cpp
TRACEJET_CONVERSION(arg_extremum);
TRACEJET_CONVERSION(extremum_with_index);
TRACEJET_CONVERSION(topk);
TRACEJET_CONVERSION(sort);

// views.cpp
TRACEJET_CONVERSION(identity);
TRACEJET_CONVERSION(reshape);
TRACEJET_CONVERSION(expand);
TRACEJET_CONVERSION(permute);
TRACEJET_CONVERSION(transpose);
TRACEJET_CONVERSION(unsqueeze);
TRACEJET_CONVERSION(squeeze);
TRACEJET_CONVERSION(cat);
TRACEJET_CONVERSION(stack);
TRACEJET_CONVERSION(slice);
TRACEJET_CONVERSION(select);
TRACEJET_CONVERSION(split);
TRACEJET_CONVERSION(unbind);
TRACEJET_CONVERSION(flip);
TRACEJET_CONVERSION(roll);
TRACEJET_CONVERSION(repeat);
TRACEJET_CONVERSION(pad);
TRACEJET_CONVERSION(triangle);
TRACEJET_CONVERSION(pixel_shuffle);
TRACEJET_CONVERSION(pixel_unshuffle);
TRACEJET_CONVERSION(diagonal);
TRACEJET_CONVERSION(as_strided);

// creation.cpp
TRACEJET_CONVERSION(full);
TRACEJET_CONVERSION(arange);
TRACEJET_CONVERSION(scalar_tensor);

// linear_algebra.cpp
TRACEJET_CONVERSION(matmul);
TRACEJET_CONVERSION(addmm);
TRACEJET_CONVERSION(baddbmm);
TRACEJET_CONVERSION(linear);

// convolution.cpp
TRACEJET_CONVERSION(convolution);

// normalization.cpp
TRACEJET_CONVERSION(layer_norm);
TRACEJET_CONVERSION(batch_norm);
TRACEJET_CONVERSION(group_norm);

// pooling.cpp
TRACEJET_CONVERSION(max_pool);
TRACEJET_CONVERSION(avg_pool);
TRACEJET_CONVERSION(adaptive_avg_pool);
TRACEJET_CONVERSION(adaptive_max_pool);

// attention.cpp
TRACEJET_CONVERSION(attention);

// indexing.cpp
TRACEJET_CONVERSION(gather);
TRACEJET_CONVERSION(index_select);
TRACEJET_CONVERSION(embedding);
TRACEJET_CONVERSION(index);
TRACEJET_CONVERSION(index_put);
TRACEJET_CONVERSION(scatter);
TRACEJET_CONVERSION(scatter_reduce);
TRACEJET_CONVERSION(nonzero);
TRACEJET_CONVERSION(masked_fill);
TRACEJET_CONVERSION(item);

// resampling.cpp
TRACEJET_CONVERSION(upsample_nearest);
TRACEJET_CONVERSION(upsample_linear);
TRACEJET_CONVERSION(grid_sample);

// quantization.cpp
TRACEJET_CONVERSION(quantize_per_tensor);
TRACEJET_CONVERSION(dequantize_per_tensor);
TRACEJET_CONVERSION(quantize_per_channel);
TRACEJET_CONVERSION(dequantize_per_channel);
TRACEJET_CONVERSION(quantize_per_token);
TRACEJET_CONVERSION(dequantize_per_token);
TRACEJET_CONVERSION(choose_qparams_per_token);
TRACEJET_CONVERSION(convert_element_type);
TRACEJET_CONVERSION(quantize_affine);
TRACEJET_CONVERSION(dequantize_affine);
TRACEJET_CONVERSION(choose_qparams_affine);
TRACEJET_CONVERSION(integer_matmul);

#undef TRACEJET_CONVERSION
}  // namespace convert

/// One operand, one ONNX operator, computed in the dtype of the result.
constexpr Conversion unary(std::string_view target) { return {convert::unary, target}; }
inline constexpr Conversion abs{convert::abs};
/// Floor, Ceil, Round: integers stay as they are.
constexpr Conversion rounding(std::string_view target) { return {convert::rounding, target}; }
/// IsNaN, IsInf: false for every integer.
constexpr Conversion float_test(std::string_view target) { return {convert::float_test, target}; }
inline constexpr Conversion exp{convert::exp};
inline constexpr Conversion sign{convert::sign};
inline constexpr Conversion is_finite{convert::is_finite};
inline constexpr Conversion sign_bit{convert::sign_bit};
inline constexpr Conversion log2{convert::log_of_base, "2"};
inline constexpr Conversion log10{convert::log_of_base, "10"};
inline constexpr Conversion log1p{convert::log1p};
inline constexpr Conversion expm1{convert::expm1};
inline constexpr Conversion exp2{convert::exp2};
inline constexpr Conversion erfc{convert::erfc};
inline constexpr Conversion rsqrt{convert::rsqrt};
inline constexpr Conversion trunc{convert::trunc};
inline constexpr Conversion logical_not{convert::logical_not};
inline constexpr Conversion bitwise_not{convert::bitwise_not};

inline constexpr Conversion add{convert::add, "Add"};
inline constexpr Conversion sub{convert::add, "Sub"};
inline constexpr Conversion mul{convert::mul};
inline constexpr Conversion divide{convert::divide};
inline constexpr Conversion power{convert::power};
inline constexpr Conversion maximum{convert::extremum, "Max"};
inline constexpr Conversion minimum{convert::extremum, "Min"};
/// fmax, fmin: NaN counts as missing.
inline constexpr Conversion fmax{convert::number_extremum, "Max"};
inline constexpr Conversion fmin{convert::number_extremum, "Min"};
inline constexpr Conversion remainder{convert::remainder};
inline constexpr Conversion fmod{convert::fmod};
inline constexpr Conversion atan2{convert::atan2};
inline constexpr Conversion copysign{convert::copysign};
inline constexpr Conversion hypot{convert::hypot};
/// Equal, Less, LessOrEqual, Greater, GreaterOrEqual, NotEqual (which ONNX lacks).
constexpr Conversion compare(std::string_view target) { return {convert::compare, target}; }
/// And, Or, Xor of operands that count as true where they aren't zero.
constexpr Conversion logical(std::string_view target) { return {convert::logical, target}; }
/// And, Or, Xor: bit by bit for integers.
constexpr Conversion bitwise(std::string_view target) { return {convert::bitwise, target}; }
inline constexpr Conversion shift_left{convert::shift, "LEFT"};
inline constexpr Conversion shift_right{convert::shift, "RIGHT"};
inline constexpr Conversion where{convert::where};
inline constexpr Conversion clamp{convert::clamp};
/// _to_copy and the like: only the dtype changes.
inline constexpr Conversion cast{convert::cast};

inline constexpr Conversion gelu{convert::gelu};
inline constexpr Conversion elu{convert::elu};
inline constexpr Conversion leaky_relu{convert::leaky_relu};
inline constexpr Conversion prelu{convert::prelu};
inline constexpr Conversion hardtanh{convert::hardtanh};
inline constexpr Conversion relu6{convert::relu6};
inline constexpr Conversion hardsigmoid{convert::hardsigmoid};
inline constexpr Conversion hardswish{convert::hardswish};
inline constexpr Conversion softplus{convert::softplus};
inline constexpr Conversion silu{convert::silu};
inline constexpr Conversion mish{convert::mish};
inline constexpr Conversion log_sigmoid{convert::log_sigmoid};
inline constexpr Conversion glu{convert::glu};
inline constexpr Conversion softmax{convert::softmax, "Softmax"};
/// Zeros where a row is all -inf.
inline constexpr Conversion safe_softmax{convert::safe_softmax};
inline constexpr Conversion log_softmax{convert::softmax, "LogSoftmax"};

/// ReduceSum, ReduceMean, ReduceProd over `dim`, or over everything.
constexpr Conversion reduce(std::string_view target) { return {convert::reduce, target}; }
inline constexpr Conversion amax{convert::extremum_over, "ReduceMax"};
inline constexpr Conversion amin{convert::extremum_over, "ReduceMin"};
inline constexpr Conversion any{convert::any};
inline constexpr Conversion all{convert::all};
inline constexpr Conversion argmax{convert::arg_extremum, "Max"};
inline constexpr Conversion argmin{convert::arg_extremum, "Min"};
inline constexpr Conversion max_with_index{convert::extremum_with_index, "Max"};
inline constexpr Conversion min_with_index{convert::extremum_with_index, "Min"};
inline constexpr Conversion cumsum{convert::cumsum};
inline constexpr Conversion topk{convert::topk};
inline constexpr Conversion sort{convert::sort};
inline constexpr Conversion variance{convert::variance};

/// The operand as it is: clone, alias, detach, contiguous.
inline constexpr Conversion identity{convert::identity};
/// view, reshape and all that keeps the order of the elements: to the sizes of the result.
inline constexpr Conversion reshape{convert::reshape};
inline constexpr Conversion expand{convert::expand};
inline constexpr Conversion permute{convert::permute};
inline constexpr Conversion transpose{convert::transpose};
inline constexpr Conversion unsqueeze{convert::unsqueeze};
inline constexpr Conversion squeeze{convert::squeeze};
inline constexpr Conversion cat{convert::cat};
inline constexpr Conversion stack{convert::stack};
inline constexpr Conversion slice{convert::slice};
inline constexpr Conversion select{convert::select};
inline constexpr Conversion split{convert::split};
inline constexpr Conversion unbind{convert::unbind};
inline constexpr Conversion flip{convert::flip};
inline constexpr Conversion roll{convert::roll};
inline constexpr Conversion repeat{convert::repeat};
/// constant, reflect, edge, wrap
constexpr Conversion pad(std::string_view mode) { return {convert::pad, mode}; }
inline constexpr Conversion tril{convert::triangle, "lower"};
inline constexpr Conversion triu{convert::triangle, "upper"};
inline constexpr Conversion pixel_shuffle{convert::pixel_shuffle};
inline constexpr Conversion pixel_unshuffle{convert::pixel_unshuffle};
inline constexpr Conversion diagonal{convert::diagonal};
inline constexpr Conversion as_strided{convert::as_strided};

/// full and full_like; `zeros` and `ones` for operators whose name says the value. Uninitialised memory is zeros.
inline constexpr Conversion full{convert::full};
inline constexpr Conversion zeros{convert::full, "0"};
inline constexpr Conversion ones{convert::full, "1"};
inline constexpr Conversion arange{convert::arange};
inline constexpr Conversion scalar_tensor{convert::scalar_tensor};

/// mm, bmm, mv, dot, matmul
inline constexpr Conversion matmul{convert::matmul};
inline constexpr Conversion addmm{convert::addmm};
inline constexpr Conversion baddbmm{convert::baddbmm};
inline constexpr Conversion linear{convert::linear};
inline constexpr Conversion convolution{convert::convolution};

inline constexpr Conversion layer_norm{convert::layer_norm};
/// With running statistics.
inline constexpr Conversion batch_norm{convert::batch_norm};
inline constexpr Conversion group_norm{convert::group_norm};

inline constexpr Conversion max_pool{convert::max_pool};
inline constexpr Conversion avg_pool{convert::avg_pool};
inline constexpr Conversion adaptive_avg_pool{convert::adaptive_avg_pool};
inline constexpr Conversion adaptive_max_pool{convert::adaptive_max_pool};

/// scaled_dot_product_attention and its backends.
inline constexpr Conversion attention{convert::attention};

inline constexpr Conversion gather{convert::gather};
inline constexpr Conversion index_select{convert::index_select};
inline constexpr Conversion embedding{convert::embedding};
inline constexpr Conversion index{convert::index};
inline constexpr Conversion index_put{convert::index_put};
inline constexpr Conversion scatter{convert::scatter, "none"};
inline constexpr Conversion scatter_add{convert::scatter, "add"};
inline constexpr Conversion scatter_reduce{convert::scatter_reduce};
inline constexpr Conversion nonzero{convert::nonzero};
inline constexpr Conversion masked_fill{convert::masked_fill};
/// A tensor with one element as a number.
inline constexpr Conversion item{convert::item};

inline constexpr Conversion upsample_nearest{convert::upsample_nearest, "floor"};
inline constexpr Conversion upsample_nearest_exact{convert::upsample_nearest, "exact"};
inline constexpr Conversion upsample_linear{convert::upsample_linear, "linear"};
inline constexpr Conversion upsample_cubic{convert::upsample_linear, "cubic"};
inline constexpr Conversion grid_sample{convert::grid_sample};

// Of quantized_decomposed.
inline constexpr Conversion quantize_per_tensor{convert::quantize_per_tensor};
inline constexpr Conversion dequantize_per_tensor{convert::dequantize_per_tensor};
inline constexpr Conversion quantize_per_channel{convert::quantize_per_channel};
inline constexpr Conversion dequantize_per_channel{convert::dequantize_per_channel};
inline constexpr Conversion quantize_per_token{convert::quantize_per_token};
inline constexpr Conversion dequantize_per_token{convert::dequantize_per_token};
inline constexpr Conversion choose_qparams_per_token{convert::choose_qparams_per_token};
inline constexpr Conversion convert_element_type{convert::convert_element_type};
// Of torchao.
inline constexpr Conversion quantize_affine{convert::quantize_affine};
inline constexpr Conversion dequantize_affine{convert::dequantize_affine};
inline constexpr Conversion choose_qparams_affine{convert::choose_qparams_affine};
/// _int_mm
inline constexpr Conversion integer_matmul{convert::integer_matmul};

}  // namespace tracejet::onnx
