#pragma once

#include <optional>
#include <tuple>

#include <ATen/core/Tensor.h>
#include <c10/core/Scalar.h>

/// Losses that ask for a distance between the score of a right class and those of wrong ones. Each has the signature of
/// the operator that it stands for.
namespace tracejet::decompositions {

/// One right class for each row of scores.
at::Tensor multi_margin_loss(const at::Tensor& self, const at::Tensor& target, const at::Scalar& p,
                             const at::Scalar& margin, const std::optional<at::Tensor>& weight, int64_t reduction);
/// The right classes of a row are listed in its targets, up to the first negative one. The second result says of every
/// class whether it is right.
std::tuple<at::Tensor, at::Tensor> multilabel_margin_loss_forward(const at::Tensor& self, const at::Tensor& target,
                                                                  int64_t reduction);

}  // namespace tracejet::decompositions
