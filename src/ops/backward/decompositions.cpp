// PyTorch: torch/_decomp/decompositions.py, aten/src/ATen/native/Activation.cpp (hardshrink_backward,
// softshrink_backward).
#include "ops/backward/decompositions.h"

#include <cmath>
#include <numbers>
#include <vector>

#include <ATen/OpMathType.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/erf.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/scatter.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sign.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include "ir/tensor_meta.h"
#include "ops/optional_tensor.h"
#include "ops/shape/channels.h"

namespace tracejet::decompositions {

namespace {

/// 1 - x
at::Tensor complement(const at::Tensor& x) { return at::rsub(x, 1); }

/// A mean shares its gradient out among the elements.
at::Tensor shared(const at::Tensor& gradient, const at::Tensor& elements, int64_t reduction) {
  return reduction == at::Reduction::Mean ? gradient / at::Scalar(elements.sym_numel()) : gradient;
}

/// Through y = (x - mean) * rstd, where mean and rstd follow from x along `over`.
at::Tensor through_statistics(const at::Tensor& grad, const at::Tensor& normalized, const at::Tensor& rstd,
                              at::IntArrayRef over) {
  const at::Tensor along = (grad * normalized).mean(over, /*keepdim=*/true);
  return (grad - grad.mean(over, /*keepdim=*/true) - normalized * along) * rstd;
}

}  // namespace

// Activations ---------------------------------------------------------------------------------------------------------

at::Tensor elu_backward(const at::Tensor& grad, const at::Scalar& alpha, const at::Scalar& scale,
                        const at::Scalar& input_scale, bool is_result, const at::Tensor& self_or_result) {
  const double negative = alpha.toDouble() * scale.toDouble(), steepness = input_scale.toDouble();
  const at::Tensor slope = is_result ? (self_or_result + negative) * steepness
                                     : at::exp(self_or_result * steepness) * (steepness * negative);
  return at::where(self_or_result <= 0, grad * slope, grad * scale);
}

at::Tensor gelu_backward(const at::Tensor& grad, const at::Tensor& self, std::string_view approximate) {
  if (approximate == "tanh") {
    const double factor = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, cubic = 0.044715;
    const at::Tensor square = self * self;
    const at::Tensor tanh = at::tanh((self + self * square * cubic) * factor);
    const at::Tensor inner_slope = (square * (3 * cubic) + 1) * factor;
    return grad * ((tanh + 1) * 0.5 + self * 0.5 * complement(tanh * tanh) * inner_slope);
  }
  const at::Tensor distribution = (at::erf(self * (1 / std::numbers::sqrt2)) + 1) * 0.5;
  const at::Tensor density = at::exp(self * self * -0.5) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
  return grad * (distribution + self * density);
}

at::Tensor glu_backward(const at::Tensor& grad, const at::Tensor& self, int64_t dim) {
  const c10::SymInt size = self.sym_size(dim), half = size / 2;
  const at::Tensor value = self.slice_symint(dim, 0, half), gate = at::sigmoid(self.slice_symint(dim, half, size));
  return at::cat({grad * gate, grad * value * gate * complement(gate)}, dim);
}

at::Tensor shrink_backward(const at::Tensor& grad, const at::Tensor& self, const at::Scalar& lambd) {
  return at::where(at::abs(self) <= lambd, 0, grad);
}

at::Tensor hardsigmoid_backward(const at::Tensor& grad, const at::Tensor& self) {
  return at::where(at::abs(self) < 3, grad / 6, 0);
}

at::Tensor hardswish_backward(const at::Tensor& grad, const at::Tensor& self) {
  return at::where(self <= -3, 0, at::where(self < 3, grad * (self / 3 + 0.5), grad));
}

at::Tensor hardtanh_backward(const at::Tensor& grad, const at::Tensor& self, const at::Scalar& min_val,
                             const at::Scalar& max_val) {
  return at::where((self <= min_val).logical_or(self >= max_val), 0, grad);
}

at::Tensor leaky_relu_backward(const at::Tensor& grad, const at::Tensor& self, const at::Scalar& negative_slope, bool) {
  return at::where(self > 0, grad, grad * negative_slope);
}

at::Tensor log_sigmoid_backward(const at::Tensor& grad, const at::Tensor& self, const at::Tensor& buffer) {
  const at::Tensor small = buffer / (buffer + 1);
  return grad * at::where(self < 0, complement(small), small);
}

at::Tensor silu_backward(const at::Tensor& grad, const at::Tensor& self) {
  const at::Tensor gate = at::sigmoid(self);
  return grad * gate * (self * complement(gate) + 1);
}

at::Tensor sigmoid_backward(const at::Tensor& grad, const at::Tensor& output) {
  return grad * complement(output) * output;
}

at::Tensor tanh_backward(const at::Tensor& grad, const at::Tensor& output) {
  return grad * complement(output * output);
}

at::Tensor softplus_backward(const at::Tensor& grad, const at::Tensor& self, const at::Scalar& beta,
                             const at::Scalar& threshold) {
  const at::Tensor scaled = self * beta;
  return at::where(scaled > threshold, grad, grad * at::sigmoid(scaled));
}

at::Tensor threshold_backward(const at::Tensor& grad, const at::Tensor& self, const at::Scalar& threshold) {
  return at::where(self <= threshold, 0, grad);
}

std::tuple<at::Tensor, at::Tensor> prelu_kernel_backward(const at::Tensor& grad, const at::Tensor& self,
                                                         const at::Tensor& weight) {
  const at::Tensor positive = self > 0;
  return {at::where(positive, grad, weight * grad), at::where(positive, 0, self * grad)};
}

at::Tensor softmax_backward(const at::Tensor& grad, const at::Tensor& output, int64_t dim, at::ScalarType input_dtype) {
  const at::Tensor weighted = grad * output;
  return (weighted - output * at::sum(weighted, dim, /*keepdim=*/true)).to(input_dtype);
}

at::Tensor log_softmax_backward(const at::Tensor& grad, const at::Tensor& output, int64_t dim,
                                at::ScalarType input_dtype) {
  return (grad - at::exp(output) * at::sum(grad, dim, /*keepdim=*/true)).to(input_dtype);
}

at::Tensor native_dropout_backward(const at::Tensor& grad, const at::Tensor& mask, double scale) {
  return grad * (mask.to(grad.scalar_type()) * scale);
}

// Losses --------------------------------------------------------------------------------------------------------------

at::Tensor mse_loss_backward(const at::Tensor& grad, const at::Tensor& self, const at::Tensor& target,
                             int64_t reduction) {
  return shared((self - target) * 2 * grad, self, reduction);
}

at::Tensor smooth_l1_loss_backward(const at::Tensor& grad, const at::Tensor& self, const at::Tensor& target,
                                   int64_t reduction, double beta) {
  const at::Tensor difference = self - target;
  const at::Tensor outside = at::sign(difference);
  if (beta == 0) return shared(outside * grad, self, reduction);
  return shared(at::where(at::abs(difference) < beta, difference / beta, outside) * grad, self, reduction);
}

at::Tensor huber_loss_backward(const at::Tensor& grad, const at::Tensor& self, const at::Tensor& target,
                               int64_t reduction, double delta) {
  return shared(at::clamp(self - target, -delta, delta) * grad, self, reduction);
}

at::Tensor soft_margin_loss_backward(const at::Tensor& grad, const at::Tensor& self, const at::Tensor& target,
                                     int64_t reduction) {
  return shared(-target * at::sigmoid(-target * self) * grad, self, reduction);
}

at::Tensor binary_cross_entropy_backward(const at::Tensor& grad, const at::Tensor& self, const at::Tensor& target,
                                         const std::optional<at::Tensor>& weight, int64_t reduction) {
  at::Tensor gradient = grad * (self - target) / at::clamp(self * complement(self), 1e-12);
  if (given(weight)) gradient = gradient * *weight;
  return shared(gradient, self, reduction);
}

at::Tensor nll_loss_backward(const at::Tensor& grad, const at::Tensor& self, const at::Tensor& target,
                             const std::optional<at::Tensor>& weight, int64_t reduction, c10::SymInt ignore_index,
                             const at::Tensor& total_weight) {
  const int64_t classes = self.dim() < 2 ? 0 : 1;
  const at::Tensor index = target.unsqueeze(classes);
  const at::Tensor counts = index != at::Scalar(ignore_index);
  const at::Tensor chosen = at::scatter(at::zeros_like(self), classes, at::where(counts, index, 0), -1);
  at::Tensor gradient = reduction == at::Reduction::Mean ? grad / total_weight : grad;
  if (gradient.dim() > 0 && gradient.dim() < self.dim()) gradient = gradient.unsqueeze(classes);
  if (given(weight)) {
    Sizes sizes(static_cast<size_t>(self.dim()), 1);
    sizes[classes] = weight->sym_size(0);
    gradient = gradient * weight->view_symint(sizes);
  }
  return chosen * at::where(counts, gradient, 0);
}

// Normalization -------------------------------------------------------------------------------------------------------

std::tuple<at::Tensor, at::Tensor, at::Tensor> native_layer_norm_backward(
    const at::Tensor& grad, const at::Tensor& input, c10::SymIntArrayRef normalized_shape, const at::Tensor& mean,
    const at::Tensor& rstd, const std::optional<at::Tensor>& weight, const std::optional<at::Tensor>& bias,
    std::array<bool, 3> output_mask) {
  const int64_t rank = input.dim(), first = rank - static_cast<int64_t>(normalized_shape.size());
  const at::Tensor normalized = (input - mean) * rstd;
  // Without a leading axis there is nothing to sum over, and no axes would mean all of them.
  const auto summed = [&](const at::Tensor& tensor) {
    return first == 0 ? tensor : at::sum(tensor, axes_between(0, first));
  };
  std::tuple<at::Tensor, at::Tensor, at::Tensor> gradients;
  if (output_mask[0]) {
    const at::Tensor weighted = given(weight) ? grad * *weight : grad;
    std::get<0>(gradients) = through_statistics(weighted, normalized, rstd, axes_between(first, rank));
  }
  if (output_mask[1] && given(weight)) std::get<1>(gradients) = summed(grad * normalized);
  if (output_mask[2] && given(bias)) std::get<2>(gradients) = summed(grad);
  return gradients;
}

std::tuple<at::Tensor, at::Tensor> fused_rms_norm_backward(const at::Tensor& grad, const at::Tensor& input,
                                                           at::IntArrayRef normalized_shape, const at::Tensor& rstd,
                                                           const std::optional<at::Tensor>& weight,
                                                           std::array<bool, 2> output_mask) {
  const int64_t rank = input.dim(), first = rank - static_cast<int64_t>(normalized_shape.size());
  const auto wide = [](const at::Tensor& tensor) { return tensor.to(at::toOpMathType(tensor.scalar_type())); };
  at::Tensor deviation = wide(rstd);
  while (deviation.dim() < rank) deviation = deviation.unsqueeze(-1);
  const at::Tensor normalized = wide(input) * deviation, grads = wide(grad);
  std::tuple<at::Tensor, at::Tensor> gradients;
  if (output_mask[0]) {
    const at::Tensor weighted = given(weight) ? grads * wide(*weight) : grads;
    const at::Tensor mean = (normalized * weighted).mean(axes_between(first, rank), /*keepdim=*/true);
    std::get<0>(gradients) = ((weighted - normalized * mean) * deviation).to(input.scalar_type());
  }
  if (output_mask[1] && given(weight)) {
    const at::Tensor each = grads * normalized;
    std::get<1>(gradients) = (first == 0 ? each : at::sum(each, axes_between(0, first))).to(input.scalar_type());
  }
  return gradients;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> native_group_norm_backward(
    const at::Tensor& grad, const at::Tensor& input, const at::Tensor& mean, const at::Tensor& rstd,
    const std::optional<at::Tensor>& weight, c10::SymInt batch, c10::SymInt channels, c10::SymInt positions,
    int64_t groups, std::array<bool, 3> output_mask) {
  const Sizes grouped{batch, groups, channels / groups, positions}, flat{batch, channels, positions};
  const at::Tensor deviation = rstd.reshape_symint({batch, groups, 1, 1});
  const at::Tensor normalized =
      (input.reshape_symint(grouped) - mean.reshape_symint({batch, groups, 1, 1})) * deviation;
  const at::Tensor flat_grad = grad.reshape_symint(flat);
  std::tuple<at::Tensor, at::Tensor, at::Tensor> gradients;
  if (output_mask[0]) {
    const at::Tensor weighted = given(weight) ? flat_grad * per_channel(*weight, 3) : flat_grad;
    std::get<0>(gradients) = through_statistics(weighted.reshape_symint(grouped), normalized, deviation, {2, 3})
                                 .reshape_symint(input.sym_sizes());
  }
  if (output_mask[1]) {
    std::get<1>(gradients) = at::sum(flat_grad * normalized.reshape_symint(flat), all_but_channels(3));
  }
  if (output_mask[2]) std::get<2>(gradients) = at::sum(flat_grad, all_but_channels(3));
  return gradients;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> native_batch_norm_backward(
    const at::Tensor& grad, const at::Tensor& input, const std::optional<at::Tensor>& weight,
    const std::optional<at::Tensor>& running_mean, const std::optional<at::Tensor>& running_var,
    const std::optional<at::Tensor>& save_mean, const std::optional<at::Tensor>& save_invstd, bool train, double eps,
    std::array<bool, 3> output_mask) {
  const int64_t rank = input.dim();
  const at::Tensor mean = per_channel(train ? *save_mean : *running_mean, rank);
  const at::Tensor deviation = per_channel(train ? *save_invstd : (*running_var + eps).rsqrt(), rank);
  const at::Tensor normalized = (input - mean) * deviation;
  const std::vector<int64_t> over = all_but_channels(rank);
  std::tuple<at::Tensor, at::Tensor, at::Tensor> gradients;
  if (output_mask[0]) {
    const at::Tensor weighted = given(weight) ? grad * per_channel(*weight, rank) : grad;
    std::get<0>(gradients) = train ? through_statistics(weighted, normalized, deviation, over) : weighted * deviation;
  }
  if (output_mask[1]) std::get<1>(gradients) = at::sum(grad * normalized, over);
  if (output_mask[2]) std::get<2>(gradients) = at::sum(grad, over);
  return gradients;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> cudnn_batch_norm_backward(
    const at::Tensor& input, const at::Tensor& grad, const at::Tensor& weight,
    const std::optional<at::Tensor>& running_mean, const std::optional<at::Tensor>& running_var,
    const std::optional<at::Tensor>& save_mean, const std::optional<at::Tensor>& save_var, double epsilon,
    const at::Tensor&) {
  return native_batch_norm_backward(grad, input, weight, running_mean, running_var, save_mean, save_var,
                                    /*train=*/true, epsilon, {true, true, true});
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> miopen_batch_norm_backward(
    const at::Tensor& input, const at::Tensor& grad, const at::Tensor& weight,
    const std::optional<at::Tensor>& running_mean, const std::optional<at::Tensor>& running_var,
    const std::optional<at::Tensor>& save_mean, const std::optional<at::Tensor>& save_var, double epsilon) {
  return native_batch_norm_backward(grad, input, weight, running_mean, running_var, save_mean, save_var,
                                    /*train=*/true, epsilon, {true, true, true});
}

}  // namespace tracejet::decompositions
