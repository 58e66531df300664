// PyTorch: aten/src/ATen/native/Loss.cpp, aten/src/ATen/native/LossNLL.cpp (nll_loss_forward),
// aten/src/ATen/native/LossNLL2d.cpp (nll_loss2d_forward), aten/src/ATen/native/LossCTC.cpp (ctc_loss).
#include "ops/activation/loss_decompositions.h"

#include <algorithm>
#include <limits>

#include <ATen/EmptyTensor.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/_ctc_loss.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/cross_entropy_loss_compositeimplicitautograd_dispatch.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/log.h>
#include <ATen/ops/log1p.h>
#include <ATen/ops/log_sigmoid.h>
#include <ATen/ops/nll_loss.h>
#include <ATen/ops/nll_loss2d.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include "ir/tensor_meta.h"
#include "ops/optional_tensor.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

at::Tensor reduce_losses(const at::Tensor& losses, int64_t reduction) {
  if (reduction == at::Reduction::Mean) return losses.mean();
  if (reduction == at::Reduction::Sum) return losses.sum();
  return losses;
}

at::Tensor mse_loss(const at::Tensor& self, const at::Tensor& target, int64_t reduction) {
  return reduce_losses((self - target).pow(2), reduction);
}

at::Tensor soft_margin_loss(const at::Tensor& self, const at::Tensor& target, int64_t reduction) {
  // The target may be of unsigned integers.
  const at::Tensor losses = at::log1p(at::exp(-target.to(self.scalar_type()) * self));
  return reduce_losses(losses, reduction);
}

at::Tensor smooth_l1_loss(const at::Tensor& self, const at::Tensor& target, int64_t reduction, double beta) {
  const at::Tensor distance = at::abs(self - target);
  if (beta == 0) return reduce_losses(distance, reduction);
  return reduce_losses(at::where(distance < beta, distance * distance * (0.5 / beta), distance - 0.5 * beta),
                       reduction);
}

at::Tensor huber_loss(const at::Tensor& self, const at::Tensor& target, int64_t reduction, double delta) {
  require(delta > 0, [&] { return "delta is " + std::to_string(delta) + ", expected more than 0"; });
  const at::Tensor distance = at::abs(self - target);
  const at::Tensor losses = at::where(distance <= delta, distance * distance * 0.5, (distance - 0.5 * delta) * delta);
  return reduce_losses(losses.to(self.scalar_type()), reduction);
}

/// Logarithms are cut off at -100, so that a certain and wrong answer costs a finite amount.
at::Tensor binary_cross_entropy(const at::Tensor& self, const at::Tensor& target,
                                const std::optional<at::Tensor>& weight, int64_t reduction) {
  const at::Tensor yes = at::clamp(at::log(self), -100), no = at::clamp(at::log1p(-self), -100);
  at::Tensor loss = (target - 1) * no - target * yes;
  if (given(weight)) loss = loss * *weight;
  return reduce_losses(loss, reduction);
}

at::Tensor binary_cross_entropy_with_logits(const at::Tensor& self, const at::Tensor& target,
                                            const std::optional<at::Tensor>& weight,
                                            const std::optional<at::Tensor>& pos_weight, int64_t reduction) {
  const at::Tensor log_sigmoid = at::log_sigmoid(self);
  at::Tensor loss = at::rsub(target, 1) * self;  // `1 - target` would write in place
  loss = given(pos_weight) ? loss - ((*pos_weight - 1) * target + 1) * log_sigmoid : loss - log_sigmoid;
  if (given(weight)) loss = loss * *weight;
  return reduce_losses(loss.to(target.scalar_type()), reduction);
}

std::tuple<at::Tensor, at::Tensor> nll_loss_forward(const at::Tensor& self, const at::Tensor& target,
                                                    const std::optional<at::Tensor>& weight, int64_t reduction,
                                                    c10::SymInt ignore_index) {
  const int64_t classes_axis = self.dim() < 2 ? 0 : 1;
  if (self.dim() == 1 && target.dim() == 1)
    return nll_loss_forward(self, target.squeeze(0), weight, reduction, ignore_index);
  const at::Tensor counts = target != at::Scalar(ignore_index);
  // An ignored target may lie outside of the classes: it looks up class 0, and the result is dropped.
  const at::Tensor index = at::where(counts, target, 0).to(at::kLong).unsqueeze(classes_axis);
  at::Tensor loss = -at::gather(self, classes_axis, index).squeeze(classes_axis);
  at::Tensor weights = counts.to(self.scalar_type());
  if (given(weight)) {
    Sizes shape(static_cast<size_t>(self.dim()), 1);
    shape[classes_axis] = weight->sym_size(0);
    Sizes sizes(self.sym_sizes());
    const at::Tensor per_class = weight->view_symint(shape).expand_symint(sizes);
    const at::Tensor per_target = at::gather(per_class, classes_axis, index).squeeze(classes_axis);
    loss = loss * per_target;
    weights = weights * per_target;
  }
  loss = at::where(counts, loss, 0);
  if (reduction == at::Reduction::None && self.dim() > 1) return {loss, at::zeros({}, self.options())};
  const at::Tensor total = weights.sum();
  const at::Tensor sum = loss.sum();
  return {reduction == at::Reduction::Mean ? sum / total : sum, total};
}

at::Tensor nll_loss_nd(const at::Tensor& self, const at::Tensor& target, const std::optional<at::Tensor>& weight,
                       int64_t reduction, c10::SymInt ignore_index) {
  require(self.dim() >= 1, [] { return std::string("self has no axes, expected at least 1"); });
  if (self.dim() <= 2) return at::nll_loss_symint(self, target, weight, reduction, std::move(ignore_index));
  if (self.dim() == 4) return at::nll_loss2d_symint(self, target, weight, reduction, std::move(ignore_index));
  require(target.dim() == self.dim() - 1, [&] {
    return "target is " + shape::text(target.sym_sizes()) + ", expected the sizes of self " +
           shape::text(self.sym_sizes()) + " but for its classes";
  });
  const Sizes sizes(target.sym_sizes());
  c10::SymInt positions = 1;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    const auto own = static_cast<int64_t>(axis == 0 ? 0 : axis + 1);
    shape::require_equal(self.sym_size(own), sizes[axis], "the axes of self but for its classes, and those of target");
    if (axis > 0) positions = positions * sizes[axis];
  }
  const at::Tensor losses = at::nll_loss2d_symint(self.reshape_symint({sizes[0], self.sym_size(1), 1, positions}),
                                                  target.reshape_symint({sizes[0], 1, positions}), weight, reduction,
                                                  std::move(ignore_index));
  return reduction == at::Reduction::None ? losses.view_symint(sizes) : losses;
}

at::Tensor cross_entropy_loss(const at::Tensor& self, const at::Tensor& target, const std::optional<at::Tensor>& weight,
                              int64_t reduction, c10::SymInt ignore_index, double label_smoothing) {
  if (self.dim() >= 1) {
    require(self.sym_size(self.dim() == 1 ? 0 : 1).sym_ge(1),
            [&] { return "self is " + shape::text(self.sym_sizes()) + ", expected at least one class"; });
  }
  return at::compositeimplicitautograd::cross_entropy_loss_symint(self, target, weight, reduction,
                                                                  std::move(ignore_index), label_smoothing);
}

namespace {

/// `lengths` are numbers or a tensor, `divisor` the lengths of the targets as a tensor.
template <typename Lengths>
at::Tensor ctc_loss_of(const at::Tensor& log_probs, const at::Tensor& targets, const Lengths& input_lengths,
                       const Lengths& target_lengths, const at::Tensor& divisor, int64_t blank, int64_t reduction,
                       bool zero_infinity) {
  const bool is_batch = log_probs.dim() == 3;
  const at::Tensor batch = is_batch ? log_probs : log_probs.unsqueeze(1);
  const at::Tensor labels = targets.to(at::kLong);
  at::Tensor losses = std::get<0>(at::_ctc_loss(batch, labels, input_lengths, target_lengths, blank, zero_infinity));
  if (zero_infinity) losses = at::where(losses == std::numeric_limits<double>::infinity(), 0, losses);
  if (reduction == at::Reduction::Mean) return (losses / at::clamp_min(divisor, 1)).mean();
  if (reduction == at::Reduction::Sum) return losses.sum();
  return is_batch ? losses : losses.squeeze(0);
}

}  // namespace

at::Tensor ctc_loss(const at::Tensor& log_probs, const at::Tensor& targets, at::IntArrayRef input_lengths,
                    at::IntArrayRef target_lengths, int64_t blank, int64_t reduction, bool zero_infinity) {
  // Written without a call to ATen, which would be traced.
  const at::Tensor lengths = at::detail::empty_cpu({static_cast<int64_t>(target_lengths.size())}, at::kLong);
  std::ranges::copy(target_lengths, lengths.mutable_data_ptr<int64_t>());
  const at::Tensor divisor = lengths.to(log_probs.options());
  return ctc_loss_of(log_probs, targets, input_lengths, target_lengths, divisor, blank, reduction, zero_infinity);
}

at::Tensor ctc_loss_tensor(const at::Tensor& log_probs, const at::Tensor& targets, const at::Tensor& input_lengths,
                           const at::Tensor& target_lengths, int64_t blank, int64_t reduction, bool zero_infinity) {
  const at::Tensor divisor = target_lengths.to(log_probs.options());
  return ctc_loss_of(log_probs, targets, input_lengths, target_lengths, divisor, blank, reduction, zero_infinity);
}

}  // namespace tracejet::decompositions
