#include "engines/runtime_inputs.h"

#include "ir/unbacked.h"

namespace tracejet {

RuntimeInputs runtime_inputs_of(const Graph& graph) {
  std::vector<bool> changes(graph.inputs().size(), false);
  for (const GraphOutput& output : graph.outputs()) {
    if (output.kind != GraphOutput::Kind::kUser) changes[output.target] = true;
  }
  RuntimeInputs inputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    if (input.value != nullptr && (input.kind == GraphInput::Kind::kUser || changes[i])) inputs.push_back(i);
  }
  return inputs;
}

bool is_computed(const GraphOutput& output) { return output.value != nullptr || depends_on_data(output.literal); }

}  // namespace tracejet
