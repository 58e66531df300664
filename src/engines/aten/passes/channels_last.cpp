#include "engines/aten/passes/channels_last.h"

#include <algorithm>
#include <unordered_set>

#include <ATen/core/grad_mode.h>

#include "engines/aten/passes/layouts.h"
#include "engines/aten/passes/rewriting.h"
#include "engines/aten/passes/weights.h"

namespace tracejet::aten {

namespace {

bool is_half(at::ScalarType dtype) { return dtype == at::kHalf || dtype == at::kBFloat16; }

bool gains(const Call& convolution, const at::Tensor& weight) {
  return weight.defined() && weight.is_cuda() && weight.dim() == 4 && is_half(weight.scalar_type()) &&
         !convolution.flag("transposed") && convolution.integer("groups") == 1;
}

}  // namespace

void use_channels_last(Graph& graph) {
  Weights weights(graph);
  std::vector<const Node*> gaining;
  for (const Node& node : graph.nodes()) {
    if (!is_call_of(node, "aten::convolution")) continue;
    const Call call(node);
    if (gains(call, weights.data(&call.value("weight")))) gaining.push_back(&node);
  }
  if (gaining.empty() || counts_places(graph)) return;
  const auto lies_as_usual = [](const Value* result) { return is_contiguous(result->tensor()); };
  if (!std::ranges::all_of(results_from(graph, {gaining.begin(), gaining.end()}), lies_as_usual)) return;

  const at::NoGradGuard no_grad;
  std::unordered_set<const Node*> changed;
  for (const Node* node : gaining) {
    const Value& weight = Call(*node).value("weight");
    std::vector<Argument> arguments(node->arguments().begin(), node->arguments().end());
    arguments[1] = &weights.add(weights.data(&weight).contiguous(at::MemoryFormat::ChannelsLast),
                                "channels_last_" + std::to_string(weight.id()));
    changed.insert(replace_node(graph, *node, node->op(), std::move(arguments)).producer());
  }
  for (const Value* result : results_from(graph, changed)) make_contiguous(graph, *result);
}

}  // namespace tracejet::aten
