#include "compile/fixed_weights.h"

#include <algorithm>
#include <string>

#include <c10/core/TensorImpl.h>

#include "base/error.h"

namespace tracejet {

namespace {

/// PyTorch counts the writes to a tensor, and with it those to its views; tensors of inference mode have no count.
const c10::VariableVersion& count_of(const at::Tensor& tensor) {
  return tensor.unsafeGetTensorImpl()->version_counter();
}

}  // namespace

FixedWeights::FixedWeights(const Graph& graph, const RuntimeInputs& runtime_inputs) {
  const auto is_written = [&](const at::Tensor& data) {
    return std::ranges::any_of(runtime_inputs, [&](size_t input) {
      const at::Tensor& other = graph.inputs()[input].data;
      return other.defined() && other.has_storage() && data.has_storage() && data.is_alias_of(other);
    });
  };
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    const bool is_weight = input.kind != GraphInput::Kind::kUser && input.value != nullptr && input.data.defined();
    if (!is_weight || std::ranges::find(runtime_inputs, i) != runtime_inputs.end()) continue;
    if (!count_of(input.data).enabled() || is_written(input.data)) continue;
    weights_.push_back({i, count_of(input.data).current_version()});
  }
}

void FixedWeights::check(const Graph& graph) const {
  const auto is_changed = [&](const Weight& weight) {
    return count_of(graph.inputs()[weight.input].data).current_version() != weight.version;
  };
  if (std::ranges::none_of(weights_, is_changed)) return;
  constexpr int kNamed = 3;
  std::string names;
  int count = 0;
  for (const Weight& weight : weights_) {
    if (!is_changed(weight) || ++count > kNamed) continue;
    names += (count == 1 ? "" : ", ") + graph.inputs()[weight.input].name;
  }
  if (count > kNamed) names += " and " + std::to_string(count - kNamed) + " more";
  throw InvalidInput(names + (count == 1 ? " was" : " were") +
                         " written to after the program was compiled, whose weights are those that it was compiled "
                         "with; give it the new ones with refit_module_weights, or compile again",
                     ErrorCode::kWeightsChanged);
}

}  // namespace tracejet
