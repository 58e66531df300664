#pragma once

#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/SymIntArrayRef.h>
#include <c10/util/OptionalArrayRef.h>

namespace tracejet::decompositions {

at::Tensor embedding(const at::Tensor& weight, const at::Tensor& indices, c10::SymInt padding_idx,
                     bool scale_grad_by_freq, bool sparse);
/// Without num_classes the classes would have to be counted in the data: throws DataDependent.
at::Tensor one_hot(const at::Tensor& self, int64_t num_classes);
at::Tensor pixel_shuffle(const at::Tensor& self, int64_t upscale_factor);
at::Tensor pixel_unshuffle(const at::Tensor& self, int64_t downscale_factor);
at::Tensor channel_shuffle(const at::Tensor& self, c10::SymInt groups);
/// Where each point of the output lies in the input, whose corners are at -1 and 1.
at::Tensor affine_grid_generator(const at::Tensor& theta, c10::SymIntArrayRef size, bool align_corners);
/// ATen's own composite asks how large the tensors are, to choose a CUDA kernel.
at::Tensor grid_sampler(const at::Tensor& input, const at::Tensor& grid, int64_t interpolation_mode,
                        int64_t padding_mode, bool align_corners);
at::Tensor replication_pad1d(const at::Tensor& self, c10::SymIntArrayRef padding);
at::Tensor pad_circular(const at::Tensor& self, c10::SymIntArrayRef pad);
at::Tensor im2col(const at::Tensor& self, at::IntArrayRef kernel_size, at::IntArrayRef dilation,
                  at::IntArrayRef padding, at::IntArrayRef stride);
at::Tensor col2im(const at::Tensor& self, c10::SymIntArrayRef output_size, at::IntArrayRef kernel_size,
                  at::IntArrayRef dilation, at::IntArrayRef padding, at::IntArrayRef stride);

// ATen's own composites of these take only plain integers.
at::Tensor upsample_nearest_exact1d(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                    std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_nearest_exact2d(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                    std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_nearest_exact3d(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                    std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_nearest1d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                  std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_nearest2d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                  std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_nearest3d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size,
                                  std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_linear1d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                 std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_bilinear2d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                   std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_trilinear3d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                    std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_bicubic2d_vec(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                  std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_bilinear2d_aa(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                  std::optional<at::ArrayRef<double>> scale_factors);
at::Tensor upsample_bicubic2d_aa(const at::Tensor& input, at::OptionalSymIntArrayRef output_size, bool align_corners,
                                 std::optional<at::ArrayRef<double>> scale_factors);

}  // namespace tracejet::decompositions
