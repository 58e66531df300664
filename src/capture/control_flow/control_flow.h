#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "capture/tracer.h"

/// Records control flow on data. Each function runs the code that it is given once (twice where a loop has a
/// condition), on tensors without data, and gives the results that follow from any number of runs.
namespace tracejet::control_flow {

/// `predicate`: a boolean tensor of one element, or a symbolic boolean. Results whose sizes differ between the branches
/// have sizes that only exist when the program runs.
std::vector<at::Tensor> record_cond(Tracer& tracer, const c10::IValue& predicate, const Body& then,
                                    const Body& otherwise, const std::vector<at::Tensor>& operands);

/// `condition` gives one boolean tensor, `body` tensors of the sizes and dtypes of `carried`.
std::vector<at::Tensor> record_while_loop(Tracer& tracer, const Body& condition, const Body& body,
                                          const std::vector<at::Tensor>& carried);

/// `combine` takes what is carried and a slice of each x, and gives what is carried and a slice of each y.
std::vector<at::Tensor> record_scan(Tracer& tracer, const Body& combine, const std::vector<at::Tensor>& init,
                                    const std::vector<at::Tensor>& xs);

/// `body` takes a slice of each x and `operands`, and gives a slice of each result.
std::vector<at::Tensor> record_map(Tracer& tracer, const Body& body, const std::vector<at::Tensor>& xs,
                                   const std::vector<at::Tensor>& operands);

/// `combine` takes two slices of each x, and gives one.
std::vector<at::Tensor> record_associative_scan(Tracer& tracer, const Body& combine, const std::vector<at::Tensor>& xs);

}  // namespace tracejet::control_flow
