#pragma once

#include <optional>
#include <tuple>

#include <ATen/core/Tensor.h>
#include <c10/core/SymInt.h>

namespace tracejet::decompositions {

/// The mean, the sum, or all of them, as `reduction` (at::Reduction) says.
at::Tensor reduce_losses(const at::Tensor& losses, int64_t reduction);

at::Tensor mse_loss(const at::Tensor& self, const at::Tensor& target, int64_t reduction);
at::Tensor soft_margin_loss(const at::Tensor& self, const at::Tensor& target, int64_t reduction);
at::Tensor smooth_l1_loss(const at::Tensor& self, const at::Tensor& target, int64_t reduction, double beta);
at::Tensor huber_loss(const at::Tensor& self, const at::Tensor& target, int64_t reduction, double delta);
at::Tensor binary_cross_entropy(const at::Tensor& self, const at::Tensor& target,
                                const std::optional<at::Tensor>& weight, int64_t reduction);
at::Tensor binary_cross_entropy_with_logits(const at::Tensor& self, const at::Tensor& target,
                                            const std::optional<at::Tensor>& weight,
                                            const std::optional<at::Tensor>& pos_weight, int64_t reduction);
/// Also of the two-dimensional form. The second result is the sum of the weights.
std::tuple<at::Tensor, at::Tensor> nll_loss_forward(const at::Tensor& self, const at::Tensor& target,
                                                    const std::optional<at::Tensor>& weight, int64_t reduction,
                                                    c10::SymInt ignore_index);
/// ATen's own composite has a way of its own for a batch of nothing, which a trace can't take.
at::Tensor nll_loss_nd(const at::Tensor& self, const at::Tensor& target, const std::optional<at::Tensor>& weight,
                       int64_t reduction, c10::SymInt ignore_index);
/// ATen's own composite, where there are classes: it has a way of its own for none.
at::Tensor cross_entropy_loss(const at::Tensor& self, const at::Tensor& target, const std::optional<at::Tensor>& weight,
                              int64_t reduction, c10::SymInt ignore_index, double label_smoothing);
/// ATen's own composites look at the data of the lengths.
at::Tensor ctc_loss(const at::Tensor& log_probs, const at::Tensor& targets, at::IntArrayRef input_lengths,
                    at::IntArrayRef target_lengths, int64_t blank, int64_t reduction, bool zero_infinity);
at::Tensor ctc_loss_tensor(const at::Tensor& log_probs, const at::Tensor& targets, const at::Tensor& input_lengths,
                           const at::Tensor& target_lengths, int64_t blank, int64_t reduction, bool zero_infinity);

}  // namespace tracejet::decompositions
