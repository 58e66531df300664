// Gradients. All of them are expanded.
// PyTorch: torch/_decomp/decompositions.py, aten/src/ATen/native/Activation.cpp (hardshrink_backward,
// softshrink_backward), aten/src/ATen/native/AveragePool2d.cpp (avg_pool2d_backward),
// aten/src/ATen/native/AdaptiveAveragePooling.cpp (adaptive_avg_pool2d_backward_cpu),
// aten/src/ATen/native/UpSampleNearest2d.cpp (upsample_nearest2d_backward).
#include "ops/backward/decompositions.h"
#include "ops/backward/gather_backward_decompositions.h"
#include "ops/backward/pooling_backward_decompositions.h"
#include "ops/families.h"

namespace tracejet {

std::span<const Operator> backward_operators() {
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::elu_backward", .decompose = expand<&as::elu_backward>},
      {.name = "aten::gelu_backward", .decompose = expand<&as::gelu_backward>},
      {.name = "aten::glu_backward", .decompose = expand<&as::glu_backward>},
      {.name = "aten::hardshrink_backward", .decompose = expand<&as::shrink_backward>},
      {.name = "aten::softshrink_backward", .decompose = expand<&as::shrink_backward>},
      {.name = "aten::hardsigmoid_backward", .decompose = expand<&as::hardsigmoid_backward>},
      {.name = "aten::hardswish_backward", .decompose = expand<&as::hardswish_backward>},
      {.name = "aten::hardtanh_backward", .decompose = expand<&as::hardtanh_backward>},
      {.name = "aten::leaky_relu_backward", .decompose = expand<&as::leaky_relu_backward>},
      {.name = "aten::log_sigmoid_backward", .decompose = expand<&as::log_sigmoid_backward>},
      {.name = "aten::silu_backward", .decompose = expand<&as::silu_backward>},
      {.name = "aten::sigmoid_backward", .decompose = expand<&as::sigmoid_backward>},
      {.name = "aten::tanh_backward", .decompose = expand<&as::tanh_backward>},
      {.name = "aten::softplus_backward", .decompose = expand<&as::softplus_backward>},
      {.name = "aten::threshold_backward", .decompose = expand<&as::threshold_backward>},
      {.name = "aten::_prelu_kernel_backward", .decompose = expand<&as::prelu_kernel_backward>},
      {.name = "aten::_softmax_backward_data", .decompose = expand<&as::softmax_backward>},
      {.name = "aten::_log_softmax_backward_data", .decompose = expand<&as::log_softmax_backward>},
      {.name = "aten::native_dropout_backward", .decompose = expand<&as::native_dropout_backward>},

      {.name = "aten::mse_loss_backward", .decompose = expand<&as::mse_loss_backward>},
      {.name = "aten::smooth_l1_loss_backward", .decompose = expand<&as::smooth_l1_loss_backward>},
      {.name = "aten::huber_loss_backward", .decompose = expand<&as::huber_loss_backward>},
      {.name = "aten::soft_margin_loss_backward", .decompose = expand<&as::soft_margin_loss_backward>},
      {.name = "aten::binary_cross_entropy_backward", .decompose = expand<&as::binary_cross_entropy_backward>},
      {.name = "aten::nll_loss_backward", .decompose = expand<&as::nll_loss_backward>},

      {.name = "aten::nll_loss2d_backward", .decompose = expand<&as::nll_loss_backward>},

      {.name = "aten::native_layer_norm_backward", .decompose = expand<&as::native_layer_norm_backward>},
      {.name = "aten::native_group_norm_backward", .decompose = expand<&as::native_group_norm_backward>},
      {.name = "aten::native_batch_norm_backward", .decompose = expand<&as::native_batch_norm_backward>},
      // Of CUDA alone
      {.name = "aten::cudnn_batch_norm_backward", .decompose = expand<&as::cudnn_batch_norm_backward>},
      {.name = "aten::miopen_batch_norm_backward", .decompose = expand<&as::miopen_batch_norm_backward>},
      {.name = "aten::_fused_rms_norm_backward", .decompose = expand<&as::fused_rms_norm_backward>},

      // What picks elements
      {.name = "aten::diagonal_backward", .decompose = expand<&as::diagonal_backward>},
      {.name = "aten::select_backward", .decompose = expand<&as::select_backward>},
      {.name = "aten::slice_backward", .decompose = expand<&as::slice_backward>},
      {.name = "aten::unfold_backward", .decompose = expand<&as::unfold_backward>},
      {.name = "aten::embedding_dense_backward", .decompose = expand<&as::embedding_dense_backward>},
      {.name = "aten::reflection_pad1d_backward", .decompose = expand<&as::reflection_pad1d_backward>},
      {.name = "aten::reflection_pad2d_backward", .decompose = expand<&as::reflection_pad2d_backward>},
      {.name = "aten::reflection_pad3d_backward", .decompose = expand<&as::reflection_pad3d_backward>},

      // Pooling and its opposite
      {.name = "aten::avg_pool2d_backward", .decompose = expand<&as::avg_pool2d_backward>},
      {.name = "aten::_adaptive_avg_pool2d_backward", .decompose = expand<&as::adaptive_avg_pool2d_backward>},
      {.name = "aten::max_pool2d_with_indices_backward", .decompose = expand<&as::max_pool2d_with_indices_backward>},
      {.name = "aten::upsample_nearest2d_backward", .decompose = expand<&as::upsample_nearest2d_backward>},
      {.name = "aten::max_unpool2d", .decompose = expand<&as::max_unpool2d>},
      {.name = "aten::max_unpool3d", .decompose = expand<&as::max_unpool3d>},
  };
  return table;
}

}  // namespace tracejet
