#pragma once

#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/SymIntArrayRef.h>

/// Upsampling as gathers and weighted sums, one axis after the other.
namespace tracejet::decompositions {

/// Where nearest upsampling takes each element of an output axis from; `centre` is 0.5 for the exact kind. In single
/// precision, as PyTorch computes it.
at::Tensor nearest_source(const c10::SymInt& output, const c10::SymInt& input, std::optional<double> scale,
                          double centre, const at::Tensor& like);

at::Tensor upsample_nearest1d(const at::Tensor& self, c10::SymIntArrayRef output_size, std::optional<double> scales);
at::Tensor upsample_nearest2d(const at::Tensor& self, c10::SymIntArrayRef output_size, std::optional<double> scales_h,
                              std::optional<double> scales_w);
at::Tensor upsample_nearest3d(const at::Tensor& self, c10::SymIntArrayRef output_size, std::optional<double> scales_d,
                              std::optional<double> scales_h, std::optional<double> scales_w);
at::Tensor plain_nearest_exact1d(const at::Tensor& self, c10::SymIntArrayRef output_size, std::optional<double> scales);
at::Tensor plain_nearest_exact2d(const at::Tensor& self, c10::SymIntArrayRef output_size,
                                 std::optional<double> scales_h, std::optional<double> scales_w);
at::Tensor plain_nearest_exact3d(const at::Tensor& self, c10::SymIntArrayRef output_size,
                                 std::optional<double> scales_d, std::optional<double> scales_h,
                                 std::optional<double> scales_w);
at::Tensor upsample_linear1d(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                             std::optional<double> scales);
at::Tensor upsample_bilinear2d(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                               std::optional<double> scales_h, std::optional<double> scales_w);
at::Tensor upsample_trilinear3d(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                                std::optional<double> scales_d, std::optional<double> scales_h,
                                std::optional<double> scales_w);
at::Tensor upsample_bicubic2d(const at::Tensor& self, c10::SymIntArrayRef output_size, bool align_corners,
                              std::optional<double> scales_h, std::optional<double> scales_w);

}  // namespace tracejet::decompositions
