// Gradients. All of them are expanded.
#include "ops/backward_decompositions.h"
#include "ops/backward_samples.h"
#include "ops/families.h"
#include "ops/gather_backward_decompositions.h"
#include "ops/pooling_backward_decompositions.h"

namespace tracejet {

std::span<const Operator> backward_operators() {
  namespace given = samples::backward;
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::elu_backward", .decompose = expand<&as::elu_backward>, .samples = given::elu},
      {.name = "aten::gelu_backward", .decompose = expand<&as::gelu_backward>, .samples = given::gelu},
      {.name = "aten::glu_backward", .decompose = expand<&as::glu_backward>, .samples = given::glu},
      {.name = "aten::hardshrink_backward", .decompose = expand<&as::shrink_backward>, .samples = given::one_number},
      {.name = "aten::softshrink_backward", .decompose = expand<&as::shrink_backward>, .samples = given::one_number},
      {.name = "aten::hardsigmoid_backward", .decompose = expand<&as::hardsigmoid_backward>, .samples = given::unary},
      {.name = "aten::hardswish_backward", .decompose = expand<&as::hardswish_backward>, .samples = given::unary},
      {.name = "aten::hardtanh_backward", .decompose = expand<&as::hardtanh_backward>, .samples = given::two_numbers},
      {.name = "aten::leaky_relu_backward", .decompose = expand<&as::leaky_relu_backward>, .samples = given::slope},
      {.name = "aten::log_sigmoid_backward",
       .decompose = expand<&as::log_sigmoid_backward>,
       .samples = given::log_sigmoid},
      {.name = "aten::silu_backward", .decompose = expand<&as::silu_backward>, .samples = given::unary},
      {.name = "aten::sigmoid_backward", .decompose = expand<&as::sigmoid_backward>, .samples = given::of_output},
      {.name = "aten::tanh_backward", .decompose = expand<&as::tanh_backward>, .samples = given::of_output},
      {.name = "aten::softplus_backward", .decompose = expand<&as::softplus_backward>, .samples = given::two_numbers},
      {.name = "aten::threshold_backward", .decompose = expand<&as::threshold_backward>, .samples = given::one_number},
      {.name = "aten::_prelu_kernel_backward",
       .decompose = expand<&as::prelu_kernel_backward>,
       .samples = given::prelu_kernel},
      {.name = "aten::_softmax_backward_data", .decompose = expand<&as::softmax_backward>, .samples = given::softmax},
      {.name = "aten::_log_softmax_backward_data",
       .decompose = expand<&as::log_softmax_backward>,
       .samples = given::log_softmax},
      {.name = "aten::native_dropout_backward",
       .decompose = expand<&as::native_dropout_backward>,
       .samples = given::dropout},

      {.name = "aten::mse_loss_backward", .decompose = expand<&as::mse_loss_backward>, .samples = given::loss_plain},
      {.name = "aten::smooth_l1_loss_backward",
       .decompose = expand<&as::smooth_l1_loss_backward>,
       .samples = given::loss_with_width},
      {.name = "aten::huber_loss_backward",
       .decompose = expand<&as::huber_loss_backward>,
       .samples = given::loss_with_width},
      {.name = "aten::soft_margin_loss_backward",
       .decompose = expand<&as::soft_margin_loss_backward>,
       .samples = given::loss_plain},
      {.name = "aten::binary_cross_entropy_backward",
       .decompose = expand<&as::binary_cross_entropy_backward>,
       .samples = given::binary_cross_entropy},
      {.name = "aten::nll_loss_backward", .decompose = expand<&as::nll_loss_backward>, .samples = given::nll_loss},

      {.name = "aten::nll_loss2d_backward", .decompose = expand<&as::nll_loss_backward>, .samples = given::nll_loss2d},

      {.name = "aten::native_layer_norm_backward",
       .decompose = expand<&as::native_layer_norm_backward>,
       .samples = given::layer_norm},
      {.name = "aten::native_group_norm_backward",
       .decompose = expand<&as::native_group_norm_backward>,
       .samples = given::group_norm},
      {.name = "aten::native_batch_norm_backward",
       .decompose = expand<&as::native_batch_norm_backward>,
       .samples = given::batch_norm},
      // Of CUDA alone
      {.name = "aten::cudnn_batch_norm_backward", .decompose = expand<&as::cudnn_batch_norm_backward>},
      {.name = "aten::miopen_batch_norm_backward", .decompose = expand<&as::miopen_batch_norm_backward>},
      {.name = "aten::_fused_rms_norm_backward", .decompose = expand<&as::fused_rms_norm_backward>},

      // What picks elements
      {.name = "aten::diagonal_backward", .decompose = expand<&as::diagonal_backward>, .samples = given::diagonal},
      {.name = "aten::select_backward", .decompose = expand<&as::select_backward>, .samples = given::select},
      {.name = "aten::slice_backward", .decompose = expand<&as::slice_backward>, .samples = given::slice},
      {.name = "aten::unfold_backward", .decompose = expand<&as::unfold_backward>, .samples = given::unfold},
      {.name = "aten::embedding_dense_backward",
       .decompose = expand<&as::embedding_dense_backward>,
       .samples = given::embedding},
      {.name = "aten::reflection_pad1d_backward",
       .decompose = expand<&as::reflection_pad1d_backward>,
       .samples = given::reflection_pad1d},
      {.name = "aten::reflection_pad2d_backward",
       .decompose = expand<&as::reflection_pad2d_backward>,
       .samples = given::reflection_pad2d},
      {.name = "aten::reflection_pad3d_backward",
       .decompose = expand<&as::reflection_pad3d_backward>,
       .samples = given::reflection_pad3d},

      // Pooling and its opposite
      {.name = "aten::avg_pool2d_backward",
       .decompose = expand<&as::avg_pool2d_backward>,
       .samples = given::avg_pool2d},
      {.name = "aten::_adaptive_avg_pool2d_backward",
       .decompose = expand<&as::adaptive_avg_pool2d_backward>,
       .samples = given::adaptive_avg_pool2d},
      {.name = "aten::max_pool2d_with_indices_backward",
       .decompose = expand<&as::max_pool2d_with_indices_backward>,
       .samples = given::max_pool2d},
      {.name = "aten::upsample_nearest2d_backward",
       .decompose = expand<&as::upsample_nearest2d_backward>,
       .samples = given::upsample_nearest2d},
      {.name = "aten::max_unpool2d", .decompose = expand<&as::max_unpool2d>, .samples = given::max_unpool2d},
      {.name = "aten::max_unpool3d", .decompose = expand<&as::max_unpool3d>, .samples = given::max_unpool3d},
  };
  return table;
}

}  // namespace tracejet
