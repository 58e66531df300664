// Control flow on data for C++ code, traced or not.
#include "capture/control_flow/control_flow.h"

#include <tracejet/control_flow.h>

namespace tracejet {

std::vector<at::Tensor> cond(const at::Tensor& predicate, const Branch& then, const Branch& otherwise,
                             const std::vector<at::Tensor>& operands) {
  if (Tracer* tracer = Tracer::current()) {
    return control_flow::record_cond(*tracer, predicate, then, otherwise, operands);
  }
  return predicate.is_nonzero() ? then(operands) : otherwise(operands);
}

std::vector<at::Tensor> while_loop(const Branch& condition, const Branch& body, std::vector<at::Tensor> carried) {
  if (Tracer* tracer = Tracer::current()) {
    return control_flow::record_while_loop(*tracer, tracer->subgraphs().body_of_loop(condition),
                                           tracer->subgraphs().body_of_loop(body), carried);
  }
  bool has_run = false;
  for (; condition(carried).at(0).is_nonzero(); has_run = true) carried = body(carried);
  if (has_run) return carried;
  for (at::Tensor& tensor : carried) tensor = tensor.clone();  // torch.while_loop's results are no operands, either
  return carried;
}

}  // namespace tracejet
