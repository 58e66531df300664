// ONNX: Resize-19, GridSample-20.
#include <cmath>

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include "base/power_of_two.h"
#include "lowering/onnx/families.h"
#include "lowering/onnx/helpers.h"
#include "ops/resampling/upsample_decompositions.h"

namespace tracejet::onnx::convert {

namespace {

/// The scales that the caller gave, one per resampled axis; empty where ATen computes them from the sizes.
std::vector<double> given_scales(const Call& call, size_t axes) {
  if (call.declares("scale_factors")) {
    if (!call.has("scale_factors")) return {};
    std::vector<double> scales;
    for (const c10::IValue& scale : std::get<c10::IValue>(call.argument("scale_factors")).toListRef())
      scales.push_back(scale.toDouble());
    return scales;
  }
  std::vector<double> scales;
  for (const auto name : {"scales", "scales_d", "scales_h", "scales_w"}) {
    if (call.declares(name) && call.has(name)) scales.push_back(call.number(name));
  }
  return scales.size() == axes ? scales : std::vector<double>{};
}

/// `as_plane`: a line is resampled as a plane of one row.
void resize(Lowering& to, const Call& call, Lowering::Attributes attributes, bool as_plane = false) {
  const TensorMeta& output = to.output();
  const auto axes = static_cast<size_t>(output.dim() - 2);
  const Operand x = to.operand(call, call.declares("input") ? "input" : "self");
  const auto scales = given_scales(call, axes);
  const bool is_line = axes == 1 && as_plane;
  const int64_t added = is_line ? 1 : 0;
  const Operand plane = is_line ? to.unsqueeze(x, {2}) : x;
  attributes.push_back({"axes", axes_from(2, static_cast<int64_t>(axes) + added)});
  std::vector<Operand> inputs{plane, {}};
  if (!scales.empty()) {
    // A given scale, not the quotient of the sizes, places the samples.
    std::vector<float> values(static_cast<size_t>(added), 1);
    values.insert(values.end(), scales.begin(), scales.end());
    inputs.push_back(to.constant(at::tensor(values, at::kFloat)));
  } else {
    Sizes sizes(static_cast<size_t>(added), 1);
    sizes.append(output.sizes.begin() + 2, output.sizes.end());
    inputs.insert(inputs.end(), {Operand{}, to.sizes(sizes)});
  }
  const Operand result = to.emit("Resize", inputs, std::move(attributes));
  to.result(is_line ? to.squeeze(result, {2}) : result);
}

/// How far an axis of the input is stretched, if no size can change it.
std::optional<double> fixed_scale(const c10::SymInt& from, const c10::SymInt& into, std::optional<double> given) {
  if (given) return given;
  if (from.maybe_as_int() && into.maybe_as_int())
    return static_cast<double>(*into.maybe_as_int()) / static_cast<double>(*from.maybe_as_int());
  constexpr int64_t kMost = 64;
  for (int64_t factor = 1; factor <= kMost; factor *= 2) {
    if (expression_of(into) == expression_of(from * factor)) return static_cast<double>(factor);
    if (expression_of(from) == expression_of(into * factor)) return 1 / static_cast<double>(factor);
  }
  return std::nullopt;
}

/// Which element of an axis each one of the result is, in ATen's own arithmetic: where two elements are equally near,
/// rounding decides.
Operand nearest_source(Lowering& to, const c10::SymInt& from, const c10::SymInt& into, std::optional<double> given,
                       bool is_exact) {
  if (from.maybe_as_int() && into.maybe_as_int()) {
    const at::Tensor like = at::empty({0}, at::TensorOptions(at::kFloat));
    return to.constant(decompositions::nearest_source(into, from, given, is_exact ? 0.5 : 0, like));
  }
  // (i + 0.5) * step as (2i + 1) * (step / 2): engines would make it i * step + step / 2, and round twice.
  const int64_t parts = is_exact ? 2 : 1;
  const Operand places =
      to.emit("Range", {to.integer(parts - 1), to.number(into * parts, at::kLong), to.integer(parts)});
  const c10::Scalar step =
      given ? c10::Scalar(static_cast<double>(static_cast<float>(1 / *given)) / static_cast<double>(parts))
            : c10::Scalar(c10::SymFloat(from) / c10::SymFloat(into * parts));
  const Operand positions = to.emit("Mul", {to.cast(places, at::kFloat), to.number(step, at::kFloat)});
  return to.emit("Min", {to.cast(positions, at::kLong), to.number(from - 1, at::kLong)});
}

void upsample_nearest(Lowering& to, const Call& call, std::string_view variant) {
  const bool is_exact = variant == "exact";
  const auto& from = call.tensor(call.declares("input") ? "input" : "self").sizes;
  const auto& into = to.output().sizes;
  const size_t axes = into.size() - 2;
  const auto scales = given_scales(call, axes);
  const auto given = [&](size_t i) { return scales.empty() ? std::nullopt : std::optional(scales[i]); };
  bool is_plain = true;  // no element lies where rounding decides
  for (size_t i = 0; i < axes; ++i) {
    const auto scale = fixed_scale(from[i + 2], into[i + 2], given(i));
    is_plain &= scale && is_power_of_two(*scale);
  }
  if (is_plain) {
    return resize(to, call,
                  {{"mode", std::string("nearest")},
                   {"coordinate_transformation_mode", std::string(is_exact ? "half_pixel" : "asymmetric")},
                   {"nearest_mode", std::string(is_exact ? "round_prefer_ceil" : "floor")}});
  }
  Operand x = to.operand(call, call.declares("input") ? "input" : "self");
  // Rows are cheaper to copy than elements: they come last, when there are most.
  for (size_t i = axes; i-- > 0;) {
    if (fixed_scale(from[i + 2], into[i + 2], given(i)) == 1.0) continue;
    const Operand source = nearest_source(to, from[i + 2], into[i + 2], given(i), is_exact);
    x = to.emit("Gather", {x, source}, {{"axis", static_cast<int64_t>(i + 2)}});
  }
  to.result(x);
}

void upsample_linear(Lowering& to, const Call& call, std::string_view mode) {
  if (!is_float(to.output().dtype)) to.fail("weighs bytes by PyTorch's fixed-point numbers");
  const bool aligned = call.flag("align_corners");
  Lowering::Attributes attributes{
      {"mode", std::string(mode)},
      {"coordinate_transformation_mode", std::string(aligned ? "align_corners" : "half_pixel")}};
  if (mode == "cubic") attributes.push_back({"cubic_coeff_a", -0.75F});
  // OpenVINO folds constants by a kernel that interpolates planes and volumes only.
  resize(to, call, std::move(attributes), /*as_plane=*/true);
}

void grid_sample(Lowering& to, const Call& call, std::string_view) {
  // ATen: 0 bilinear, 1 nearest, 2 bicubic; 0 zeros, 1 border, 2 reflection.
  static constexpr std::string_view modes[] = {"linear", "nearest", "cubic"};
  static constexpr std::string_view paddings[] = {"zeros", "border", "reflection"};
  const auto mode = static_cast<size_t>(call.integer("interpolation_mode"));
  const auto padding = static_cast<size_t>(call.integer("padding_mode"));
  to.result(to.emit("GridSample", {to.operand(call, "input"), to.operand(call, "grid")},
                    {{"mode", std::string(modes[mode])},
                     {"padding_mode", std::string(paddings[padding])},
                     {"align_corners", int64_t{call.flag("align_corners")}}}));
}

}  // namespace

}  // namespace tracejet::onnx::convert

namespace tracejet::onnx {

std::span<const Conversion> resampling_conversions() {
  static constexpr Conversion table[] = {
      {"aten::upsample_nearest1d.vec", convert::upsample_nearest, "floor"},
      {"aten::upsample_nearest2d.vec", convert::upsample_nearest, "floor"},
      {"aten::upsample_nearest3d.vec", convert::upsample_nearest, "floor"},
      {"aten::upsample_nearest1d", convert::upsample_nearest, "floor"},
      {"aten::upsample_nearest2d", convert::upsample_nearest, "floor"},
      {"aten::upsample_nearest3d", convert::upsample_nearest, "floor"},
      {"aten::_upsample_nearest_exact1d", convert::upsample_nearest, "exact"},
      {"aten::_upsample_nearest_exact2d", convert::upsample_nearest, "exact"},
      {"aten::_upsample_nearest_exact3d", convert::upsample_nearest, "exact"},
      {"aten::upsample_linear1d.vec", convert::upsample_linear, "linear"},
      {"aten::upsample_bilinear2d.vec", convert::upsample_linear, "linear"},
      {"aten::upsample_trilinear3d.vec", convert::upsample_linear, "linear"},
      {"aten::upsample_linear1d", convert::upsample_linear, "linear"},
      {"aten::upsample_bilinear2d", convert::upsample_linear, "linear"},
      {"aten::upsample_trilinear3d", convert::upsample_linear, "linear"},
      {"aten::upsample_bicubic2d.vec", convert::upsample_linear, "cubic"},
      {"aten::upsample_bicubic2d", convert::upsample_linear, "cubic"},
      {"aten::grid_sampler_2d", convert::grid_sample},
  };
  return table;
}

}  // namespace tracejet::onnx
