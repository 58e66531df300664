// torch.while_loop: a body that runs as long as a condition holds.
#include "base/error.h"
#include "capture/control_flow/control_flow.h"
#include "capture/control_flow/operands.h"
#include "ir/control_flow.h"

namespace tracejet::control_flow {

std::vector<at::Tensor> record_while_loop(Tracer& tracer, const Body& condition, const Body& body,
                                          const std::vector<at::Tensor>& carried) {
  return located(tracer, while_loop(), [&] {
    std::vector<const Value*> state = contiguous_values_of(tracer, carried);
    const std::vector<TensorMeta> before = metas_of(state);
    Subgraph first = tracer.subgraphs().record(condition, before);
    Subgraph second = tracer.subgraphs().record(body, before, first.captured);
    add_captured(first, second.captured);

    const std::vector<TensorMeta> decides = results_of(*first.graph);
    if (decides.size() != 1) throw ShapeError("its condition gives " + std::to_string(decides.size()) + " tensors");
    require_boolean(decides.front(), "what its condition gives");
    if (decides.front().dim() > 0)
      throw ShapeError("its condition gives " + decides.front().str() + "; expected a 0-dim tensor");
    const std::vector<TensorMeta> after = results_of(*second.graph);
    if (after.size() != before.size()) {
      throw ShapeError("it carries " + std::to_string(before.size()) + " tensors, and its body gives " +
                       std::to_string(after.size()));
    }
    for (size_t i = 0; i < before.size(); ++i) {
      const std::string what = "carried tensor " + std::to_string(i);
      require_same(before[i], after[i], what + " before a run of its body", "after it");
    }
    std::vector<at::Tensor> results = tracer.subgraphs().record_call(
        while_loop(), {std::move(state), std::move(second.captured)}, before, {first.graph, second.graph});
    add_aliases_of_runs(tracer, results, carried, *second.graph);
    return results;
  });
}

}  // namespace tracejet::control_flow
