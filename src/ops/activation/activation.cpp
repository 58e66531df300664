// Activation functions, softmax, dropout and losses.
// PyTorch: aten/src/ATen/native/Activation.cpp, aten/src/ATen/native/GatedLinearUnit.cpp (glu),
// aten/src/ATen/native/SoftMax.cpp, aten/src/ATen/native/transformers/attention.cpp (_safe_softmax),
// aten/src/ATen/native/Dropout.cpp (native_dropout), aten/src/ATen/native/Loss.cpp, aten/src/ATen/native/LossNLL.cpp
// (nll_loss_forward), aten/src/ATen/native/LossNLL2d.cpp (nll_loss2d_forward).
#include "ops/activation/ctc_loss.h"
#include "ops/activation/decompositions.h"
#include "ops/activation/loss_decompositions.h"
#include "ops/activation/margin_loss_decompositions.h"
#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/shape/promotion.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

/// Computed element by element; a dense input passes the order of its axes on.
Metas elementwise(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::pointwise({&self}, self.dtype)};
}

/// Half of the axis, which must be even.
Metas glu(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  require(self.dim() > 0, [] { return "self has no axis to split"; });
  const int64_t axis = call.axis("dim", self.dim());
  require((self.sizes[axis] % 2).sym_eq(0), [&] {
    return "self is " + shape::text(self.sizes) + ", expected an even size of axis " + std::to_string(axis);
  });
  TensorMeta half = self;
  half.sizes[axis] = self.sizes[axis] / 2;
  return {shape::pointwise({&half, &half}, self.dtype)};
}

Metas prelu_kernel(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &weight = call.tensor("weight");
  return {shape::pointwise({&self, &weight}, self.dtype)};
}

/// The buffer is what the backward pass needs.
Metas log_sigmoid_forward(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const TensorMeta output = shape::contiguous(self.sizes, self.dtype, self.device);
  return {output, output};
}

/// Row-major, whatever the layout of the input.
Metas softmax(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  call.axis("dim", self.dim());
  return {shape::contiguous(self.sizes, self.dtype, self.device)};
}

Metas safe_softmax(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  call.axis("dim", self.dim());
  return {shape::contiguous(self.sizes, call.dtype().value_or(self.dtype), self.device)};
}

/// The output and the mask of what was kept.
Metas native_dropout(const Call& call) {
  const TensorMeta& input = call.tensor("input");
  const double p = call.number("p");
  require(p >= 0 && p <= 1, [&] { return "p is " + std::to_string(p) + ", expected a probability"; });
  // ATen's way out for an empty input doesn't care for the mask's dtype.
  const auto mask = shape::known_equal(input.numel(), 0) ? input.dtype : at::kBool;
  return {shape::like(input, input.dtype), shape::like(input, mask)};
}

// Losses --------------------------------------------------------------------------------------------------------------

constexpr int64_t kNoReduction = 0;

/// One value per element, or one for all of them.
TensorMeta reduced_loss(const Call& call, const TensorMeta& elements) {
  if (call.integer("reduction") == kNoReduction) return elements;
  return shape::contiguous({}, elements.dtype, elements.device);
}

Metas elementwise_loss(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &target = call.tensor("target");
  const auto dtype = promotion::ResultType().add(self).add(target).get();
  return {reduced_loss(call, shape::pointwise({&self, &target}, dtype))};
}

Metas binary_cross_entropy(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &target = call.tensor("target");
  const auto message = [&] {
    return "self is " + shape::text(self.sizes) + ", target is " + shape::text(target.sizes) + ", expected the same";
  };
  require(self.dim() == target.dim(), message);
  for (int64_t axis = 0; axis < self.dim(); ++axis) require_equal_sizes(self.sizes[axis], target.sizes[axis], message);
  return {reduced_loss(call, shape::like(self, self.dtype))};
}

/// ATen writes its results to a tensor like self, which takes what it can be cast to.
Metas loss_like_self(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &target = call.tensor("target");
  const auto dtype = promotion::ResultType().add(self).add(target).get();
  require(c10::canCast(dtype, self.dtype), [&] {
    return std::string("self is ") + at::toString(self.dtype) + ", which doesn't take the results' " +
           at::toString(dtype);
  });
  return {reduced_loss(call, shape::pointwise({&self, &target}, self.dtype))};
}

/// The same, with results of the sizes of self: target is the one that is broadcast.
Metas soft_margin_loss(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &target = call.tensor("target");
  require(target.dtype != at::kBool, [] { return "target is Bool, expected 1 and -1"; });
  shape::expanded(target, self.sizes);
  return loss_like_self(call);
}

/// ATen begins with 1 - target and goes on in place, so the target alone decides the layout and the dtype.
Metas binary_cross_entropy_with_logits(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &target = call.tensor("target");
  const auto require_fit = [&](const TensorMeta& operand) { shape::expanded(operand, target.sizes); };
  require_fit(self);
  if (const TensorMeta* weight = call.optional_tensor("weight")) require_fit(*weight);
  if (const TensorMeta* weight = call.optional_tensor("pos_weight")) require_fit(*weight);
  require(at::isFloatingType(target.dtype), [&] {
    return std::string("target is ") + at::toString(target.dtype) + ", which doesn't take the results, expected floats";
  });
  return {reduced_loss(call, shape::pointwise({&target}, target.dtype))};
}

/// Of losses whose targets are classes.
void require_classes(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &target = call.tensor("target");
  require(target.dtype == at::kLong || target.dtype == at::kByte,
          [&] { return std::string("target is ") + at::toString(target.dtype) + ", expected int64 or uint8"; });
  const TensorMeta* weight = call.optional_tensor("weight");
  if (weight == nullptr) return;
  const auto message = [&] {
    return "self is " + shape::text(self.sizes) + ", weight is " + shape::text(weight->sizes) +
           ", expected a weight for each class";
  };
  require(weight->dim() == 1, message);
  require_equal_sizes(weight->sizes[0], self.sizes[self.dim() == 1 ? 0 : 1], message);
}

/// The loss, and the sum of the weights of the targets.
Metas nll_loss(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &target = call.tensor("target");
  const auto message = [&] {
    return "self is " + shape::text(self.sizes) + " and target is " + shape::text(target.sizes) +
           ", expected [N, classes] and [N], or [classes] and one target";
  };
  require(self.dim() == 2 ? target.dim() == 1 : self.dim() == 1 && target.dim() <= 1, message);
  require_equal_sizes(self.dim() == 2 ? self.sizes[0] : c10::SymInt(1), target.numel(), message);
  require_classes(call);
  const TensorMeta total = shape::contiguous({}, self.dtype, self.device);
  const bool one_each = self.dim() == 2 && call.integer("reduction") == kNoReduction;
  return {one_each ? shape::contiguous({self.sizes[0]}, self.dtype, self.device) : total, total};
}

/// One target for each point of a plane.
Metas nll_loss2d(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &target = call.tensor("target");
  const auto message = [&] {
    return "self is " + shape::text(self.sizes) + ", target is " + shape::text(target.sizes) +
           ", expected [N, classes, H, W] and [N, H, W]";
  };
  require(self.dim() == 4 && target.dim() == 3, message);
  for (const int64_t axis : {0, 1, 2}) {
    require_equal_sizes(self.sizes[axis == 0 ? 0 : axis + 1], target.sizes[axis], message);
  }
  require_classes(call);
  const TensorMeta total = shape::contiguous({}, self.dtype, self.device);
  if (call.integer("reduction") != kNoReduction) return {total, total};
  return {shape::contiguous({self.sizes[0], self.sizes[2], self.sizes[3]}, self.dtype, self.device), total};
}

}  // namespace

std::span<const Operator> activation_operators() {
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::relu", .meta = elementwise},
      {.name = "aten::gelu", .meta = elementwise},
      {.name = "aten::silu", .meta = elementwise, .decompose = expand<&as::silu>},
      {.name = "aten::mish", .meta = elementwise, .decompose = expand<&as::mish>},
      {.name = "aten::hardswish", .meta = elementwise, .decompose = expand<&as::hardswish>},
      {.name = "aten::hardsigmoid", .meta = elementwise, .decompose = expand<&as::hardsigmoid>},
      {.name = "aten::hardtanh", .meta = elementwise, .decompose = expand<&as::hardtanh>},
      {.name = "aten::elu", .meta = elementwise},
      {.name = "aten::celu", .meta = elementwise, .decompose = expand<&as::celu>},
      {.name = "aten::leaky_relu", .meta = elementwise},
      {.name = "aten::softplus", .meta = elementwise, .decompose = expand<&as::softplus>, .kept_by_default = true},
      {.name = "aten::softshrink", .meta = elementwise, .decompose = expand<&as::softshrink>},
      {.name = "aten::hardshrink", .meta = elementwise, .decompose = expand<&as::hardshrink>},
      {.name = "aten::threshold", .meta = elementwise, .decompose = expand<&as::threshold>},
      {.name = "aten::log_sigmoid_forward", .meta = log_sigmoid_forward, .decompose = expand<&as::log_sigmoid_forward>},
      {.name = "aten::glu", .meta = glu, .decompose = expand<&as::glu>, .kept_by_default = true},
      {.name = "aten::_prelu_kernel",
       .meta = prelu_kernel,
       .decompose = expand<&as::prelu_kernel>,
       .kept_by_default = true},
      {.name = "aten::rrelu", .decompose = expand<&as::rrelu>},
      {.name = "aten::_softmax", .meta = softmax},
      {.name = "aten::_log_softmax", .meta = softmax, .decompose = expand<&as::log_softmax>},
      {.name = "aten::_safe_softmax",
       .meta = safe_softmax,
       .decompose = expand<&as::safe_softmax>,
       .kept_by_default = true},
      {.name = "aten::dropout", .decompose = expand<&as::dropout>},
      {.name = "aten::native_dropout", .meta = native_dropout},
      {.name = "aten::mse_loss", .meta = elementwise_loss, .decompose = expand<&as::mse_loss>},
      {.name = "aten::soft_margin_loss", .meta = soft_margin_loss, .decompose = expand<&as::soft_margin_loss>},
      {.name = "aten::smooth_l1_loss", .meta = elementwise_loss, .decompose = expand<&as::smooth_l1_loss>},
      {.name = "aten::huber_loss", .meta = loss_like_self, .decompose = expand<&as::huber_loss>},
      {.name = "aten::binary_cross_entropy",
       .meta = binary_cross_entropy,
       .decompose = expand<&as::binary_cross_entropy>},
      {.name = "aten::binary_cross_entropy_with_logits",
       .meta = binary_cross_entropy_with_logits,
       .decompose = expand<&as::binary_cross_entropy_with_logits>},
      {.name = "aten::multi_margin_loss", .decompose = expand<&as::multi_margin_loss>},
      {.name = "aten::multilabel_margin_loss_forward", .decompose = expand<&as::multilabel_margin_loss_forward>},
      {.name = "aten::nll_loss_forward", .meta = nll_loss, .decompose = expand<&as::nll_loss_forward>},
      {.name = "aten::nll_loss2d_forward", .meta = nll_loss2d, .decompose = expand<&as::nll_loss_forward>},
      {.name = "aten::nll_loss_nd", .decompose = expand<&as::nll_loss_nd>},
      {.name = "aten::cross_entropy_loss", .decompose = expand<&as::cross_entropy_loss>},
      {.name = "aten::ctc_loss.IntList", .decompose = expand<&as::ctc_loss>},
      {.name = "aten::ctc_loss.Tensor", .decompose = expand<&as::ctc_loss_tensor>},
      {.name = "aten::_ctc_loss", .meta = ctc_loss},
      {.name = "aten::_ctc_loss.Tensor", .meta = ctc_loss_with_unknown_lengths},
  };
  return table;
}

}  // namespace tracejet
