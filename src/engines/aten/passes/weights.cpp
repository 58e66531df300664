#include "engines/aten/passes/weights.h"

#include <algorithm>

#include "engines/runtime_inputs.h"
#include "ops/shape/shape.h"

namespace tracejet::aten {

Weights::Weights(Graph& graph) : graph_(graph) {
  const RuntimeInputs runtime = runtime_inputs_of(graph);
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    names_.insert(input.name);
    if (input.value == nullptr || !input.data.defined() || std::ranges::find(runtime, i) != runtime.end()) continue;
    if (input.data.device() == input.value->tensor().device) data_.emplace(input.value, input.data);
  }
}

at::Tensor Weights::data(const Value* value) const {
  const auto found = data_.find(value);
  return found == data_.end() ? at::Tensor() : found->second;
}

const Value& Weights::add(const at::Tensor& data, const std::string& name) {
  std::string own = name;
  while (!names_.insert(own).second) own += '_';
  const Value& value = *graph_.add_input(GraphInput::Kind::kConstant, shape::describe(data), own, data);
  data_.emplace(&value, data);
  return value;
}

}  // namespace tracejet::aten
