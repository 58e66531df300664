#include "compile/partition/plan.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace tracejet {

int64_t Part::weight_bytes() const {
  const RuntimeInputs of_a_run = runtime_inputs_of(*graph);
  std::unordered_set<const void*> seen(of_a_run.size());
  for (const size_t input : of_a_run) seen.insert(graph->inputs()[input].value);
  int64_t bytes = 0;
  for (const GraphInput& input : graph->inputs()) {
    if (input.value == nullptr || !input.data.defined() || !seen.insert(input.value).second) continue;
    const bool is_new = !input.data.has_storage() || seen.insert(input.data.storage().unsafeGetStorageImpl()).second;
    if (is_new) bytes += static_cast<int64_t>(input.data.nbytes());
  }
  return bytes;
}

namespace {

void add_engines(const PartitionPlan& plan, std::vector<std::string>& names) {
  for (const Part& part : plan.parts) {
    std::string name = part.engine->name();
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  for (const BodyPlan& body : plan.bodies) add_engines(body.plan, names);
}

}  // namespace

std::string PartitionPlan::engines() const {
  std::vector<std::string> names;
  add_engines(*this, names);
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list.empty() ? preferred : list;
}

PartitionPlan whole_plan(const std::shared_ptr<const Graph>& graph, std::shared_ptr<const Engine> engine) {
  std::string name = engine->name();
  Part part{std::move(engine), {}, graph, {}, {}};
  for (const Node& node : graph->nodes()) part.nodes.push_back(&node);
  for (const GraphInput& input : graph->inputs()) part.inputs.push_back(input.value);
  for (const GraphOutput& output : graph->outputs()) part.outputs.push_back(output.value);
  return {graph, std::move(name), {std::move(part)}, {}, {}};
}

}  // namespace tracejet
