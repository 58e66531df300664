// PyTorch: aten/src/ATen/native/LossMultiMargin.cpp (multi_margin_loss), aten/src/ATen/native/LossMultiLabelMargin.cpp
// (multilabel_margin_loss_forward).
#include "ops/activation/margin_loss_decompositions.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/amin.h>
#include <ATen/ops/any.h>
#include <ATen/ops/clamp_min.h>
#include <ATen/ops/eq.h>
#include <ATen/ops/gather.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/logical_and.h>
#include <ATen/ops/logical_not.h>
#include <ATen/ops/lt.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/where.h>

#include "ops/activation/loss_decompositions.h"
#include "ops/numbers.h"
#include "ops/optional_tensor.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

namespace {

at::Tensor classes_of(const at::Tensor& scores) { return counted(scores.sym_size(-1), scores); }

/// A single row as a batch of one.
at::Tensor rows(const at::Tensor& tensor, int64_t rank) {
  at::Tensor result = tensor;
  while (result.dim() < rank) result = result.unsqueeze(0);
  return result;
}

/// `is_batch`: whether the losses are not those of a single row.
at::Tensor reduce(const at::Tensor& losses, int64_t reduction, bool is_batch) {
  const at::Tensor reduced = reduce_losses(losses, reduction);
  return is_batch || reduction != at::Reduction::None ? reduced : reduced.squeeze(0);
}

}  // namespace

at::Tensor multi_margin_loss(const at::Tensor& self, const at::Tensor& target, const at::Scalar& p,
                             const at::Scalar& margin, const std::optional<at::Tensor>& weight, int64_t reduction) {
  const auto message = [&] {
    return "self is " + shape::text(self.sym_sizes()) + " and target is " + shape::text(target.sym_sizes()) +
           ", expected [N, C] and [N]";
  };
  require(self.dim() <= 2 && target.dim() <= 1, message);
  require(p.equal(1) || p.equal(2), [] { return "p must be 1 or 2"; });
  const at::Tensor scores = rows(self, 2), right = rows(target, 1).unsqueeze(1);
  require_equal_sizes(scores.sym_size(0), right.sym_size(0), message);
  require(scores.sym_size(1).sym_ne(0), message);
  const at::Tensor short_of = at::clamp_min(at::rsub(at::gather(scores, 1, right), margin) + scores, 0);
  at::Tensor loss = p.equal(1) ? short_of : short_of * short_of;
  if (given(weight)) {
    require(weight->dim() <= 1,
            [&] { return "weight is " + shape::text(weight->sym_sizes()) + ", expected one axis"; });
    require_equal_sizes(weight->sym_numel(), scores.sym_size(1), [&] {
      return "weight is " + shape::text(weight->sym_sizes()) + ", expected one for each class of " +
             shape::text(self.sym_sizes());
    });
    loss = loss * at::index_select(rows(*weight, 1), 0, right.squeeze(1)).unsqueeze(1);
  }
  const at::Tensor losses = at::where(at::eq(classes_of(scores), right), 0, loss).mean(1);
  return reduce(losses, reduction, target.dim() == 1);
}

std::tuple<at::Tensor, at::Tensor> multilabel_margin_loss_forward(const at::Tensor& self, const at::Tensor& target,
                                                                  int64_t reduction) {
  const auto message = [&] {
    return "self is " + shape::text(self.sym_sizes()) + " and target is " + shape::text(target.sym_sizes()) +
           ", expected [N, C] or [C] for both";
  };
  require(self.dim() <= 2 && target.dim() <= 2 && (self.dim() == 2) == (target.dim() == 2), message);
  const at::Tensor scores = rows(self, 2), listed = rows(target, 2);
  require_equal_sizes(scores.sym_size(0), listed.sym_size(0), message);
  require_equal_sizes(scores.sym_size(1), listed.sym_size(1), message);
  require(scores.sym_size(1).sym_ne(0), message);
  const at::Tensor classes = classes_of(scores);
  const at::Tensor ends = at::where(at::lt(listed, 0), classes, at::Scalar(scores.sym_size(1)));
  const at::Tensor counts = at::lt(classes, at::amin(ends, -1, /*keepdim=*/true));
  const at::Tensor right = at::where(counts, listed, 0);
  // [row, place in the list, class]
  const at::Tensor matches = at::logical_and(at::eq(classes, right.unsqueeze(-1)), counts.unsqueeze(-1));
  const at::Tensor is_right = at::any(matches, 1);
  const at::Tensor short_of =
      at::clamp_min(at::rsub(at::gather(scores, 1, right), 1).unsqueeze(-1) + scores.unsqueeze(1), 0);
  const at::Tensor is_compared = at::logical_and(counts.unsqueeze(-1), at::logical_not(is_right).unsqueeze(1));
  const at::Tensor losses = at::where(is_compared, short_of, 0).sum({1, 2}) / at::Scalar(scores.sym_size(1));
  return {reduce(losses, reduction, target.dim() == 2),
          is_right.to(self.scalar_type()).view_symint(target.sym_sizes())};
}

}  // namespace tracejet::decompositions
