#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace tracejet {

/// A branch of control flow, or what a loop repeats.
using Branch = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& operands)>;

/// `then(operands)` where `predicate`, one boolean, is true, and `otherwise(operands)` where it is false. In a trace
/// both become part of the program, as of torch.cond; outside of one, the predicate's data decides.
///
/// The branches may use any tensor, but must give tensors of the same number, dtypes and ranks, and write to none from
/// outside. Throws ShapeError and UnsupportedOperator where they do otherwise in a trace.
std::vector<at::Tensor> cond(const at::Tensor& predicate, const Branch& then, const Branch& otherwise,
                             const std::vector<at::Tensor>& operands);

/// Repeats `carried = body(carried)` as long as `condition(carried)` gives true, one boolean tensor of no axes, and
/// gives what is carried in the end. In a trace it is torch.while_loop: what is carried keeps its sizes and dtypes.
/// Throws like cond.
std::vector<at::Tensor> while_loop(const Branch& condition, const Branch& body, std::vector<at::Tensor> carried);

}  // namespace tracejet
