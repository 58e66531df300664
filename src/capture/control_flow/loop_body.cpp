// What the body of a loop leaves behind, other than by its results.
#include "capture/control_flow/control_flow.h"

namespace tracejet::control_flow {

Body body_of_loop(Tracer& tracer, Body body) {
  tracer.note_loop_of_model();
  if (tracer.runs_of_bodies() == 1) return body;
  return [body = std::move(body), runs = tracer.runs_of_bodies()](const std::vector<at::Tensor>& operands) {
    for (int before = 1; before < runs; ++before) body(operands);
    return body(operands);
  };
}

}  // namespace tracejet::control_flow
