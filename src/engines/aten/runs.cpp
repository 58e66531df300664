#include "engines/aten/runs.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include <torch/library.h>

#include "engines/recording/recordable.h"
#include "ir/assertion.h"
#include "ir/copy.h"

namespace tracejet::aten {

namespace {

// A schema without kernels: the interpreter runs its nodes.
TORCH_LIBRARY_FRAGMENT(tracejet, library) { library.def("recorded(Tensor[] inputs) -> Tensor[]"); }

/// A replay copies what goes in and what comes out: below so many calls of kernels, they take no longer themselves.
constexpr int64_t kFewestKernels = 8;

/// Copying a result of so many bytes takes a GPU longer than calling another kernel.
constexpr int64_t kLargeBytes = int64_t{16} << 20;
/// Calls outside of recordings keep the host busy.
constexpr size_t kMostLarge = 4;

/// In the order of execution, one behind the other.
using CallRun = std::vector<const Node*>;

bool runs_kernels(const Node& node) {
  const auto& returns = node.op().schema().returns();
  return !assertion_of(node) && !returns.empty() && returns.front().alias_info() == nullptr;
}

std::optional<c10::Device> gpu_of(const Node& node, c10::DeviceType type) {
  for (const Value* output : node.outputs()) {
    if (output != nullptr && output->is_tensor() && output->tensor().device.type() == type)
      return output->tensor().device;
  }
  return std::nullopt;
}

bool is_large(const Value* value) {
  if (value == nullptr || !value->is_tensor()) return false;
  const auto count = value->tensor().numel().maybe_as_int();
  return count && *count * static_cast<int64_t>(elementSize(value->tensor().dtype)) >= kLargeBytes;
}

/// Where the last calls begin, if they give large results and read none of the others': they write to the caller's
/// memory.
Nodes::const_iterator large_results(const Graph& graph) {
  std::unordered_set<const Node*> found;
  auto first = graph.nodes().end();
  while (first != graph.nodes().begin() && std::ranges::any_of(std::prev(first)->outputs(), is_large))
    found.insert(&*--first);
  bool reads_large = found.size() > kMostLarge;
  for (const Node& node : std::ranges::subrange(first, graph.nodes().end())) {
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) {
        const Node* producer = value.producer();
        reads_large = reads_large || (producer != nullptr && !found.contains(producer) && is_large(&value));
      });
    }
  }
  return reads_large ? graph.nodes().end() : first;
}

std::vector<CallRun> find_runs(const Graph& graph, c10::DeviceType type) {
  std::vector<CallRun> runs;
  CallRun run;
  std::optional<c10::Device> device;
  const auto end = [&] {
    if (std::ranges::count_if(run, [](const Node* node) { return runs_kernels(*node); }) >= kFewestKernels)
      runs.push_back(run);
    run.clear();
    device.reset();
  };
  for (const Node& node : std::ranges::subrange(graph.nodes().begin(), large_results(graph))) {
    const auto own = gpu_of(node, type);
    if (device && own && *own != *device) end();
    if (!device) device = own;
    if (device && recording::is_recordable(graph, node, *device)) {
      run.push_back(&node);
    } else {
      end();
    }
  }
  end();
  return runs;
}

/// Puts one node in the place of a run.
void record(Graph& graph, const CallRun& run) {
  const std::unordered_set<const Node*> members(run.begin(), run.end());
  const RuntimeInputs runtime = runtime_inputs_of(graph);
  std::unordered_set<const Value*> read;
  std::vector<const Value*> passed;
  for (const Node* node : run) {
    for (const Argument& argument : node->arguments()) {
      for_each_value(argument, [&](const Value& value) {
        if (!members.contains(value.producer()) && read.insert(&value).second) passed.push_back(&value);
      });
    }
  }

  const std::shared_ptr<Graph> body = graph.make_subgraph();
  std::unordered_map<const Value*, const Value*> values;
  std::unordered_map<const Value*, const GraphInput*> inputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    if (input.value == nullptr || !read.contains(input.value)) continue;
    inputs.emplace(input.value, &input);
    if (std::ranges::find(runtime, i) != runtime.end()) continue;
    values.emplace(input.value,
                   body->add_input(input.kind, input.value->tensor(), input.name, input.data, input.persistent));
  }
  std::erase_if(passed, [&](const Value* value) { return values.contains(value); });
  for (const Value* value : passed) {
    // A buffer that the program writes to is read, and may be written, where it lies.
    const auto input = inputs.find(value);
    const bool is_buffer = input != inputs.end() && input->second->kind != GraphInput::Kind::kUser;
    values.emplace(value, is_buffer ? body->add_input(input->second->kind, value->tensor(), input->second->name,
                                                      input->second->data, input->second->persistent)
                                    : body->add_input(GraphInput::Kind::kUser, value->tensor(),
                                                      "value_" + std::to_string(value->id())));
  }

  std::vector<const Value*> results;
  std::vector<TensorMeta> metas;
  for (const Node* node : run) {
    copy_node(*node, *body, values);
    for (const Value* result : node->outputs()) {
      if (result == nullptr) continue;
      const auto is_outside = [&](const Node* user) { return !members.contains(user); };
      if (!graph.is_output(*result) && std::ranges::none_of(result->users(), is_outside)) continue;
      results.push_back(result);
      metas.push_back(result->tensor());
      body->add_output({GraphOutput::Kind::kUser, values.at(result), {}, 0});
    }
  }
  if (results.empty()) return;
  const Node& last = *run.back();
  const Node& recorded = graph.insert_node(last, recorded_op(), {passed}, {metas}, run.front()->where(), {body});
  for (size_t i = 0; i < results.size(); ++i) graph.replace_all_uses(*results[i], *recorded.outputs()[i]);
  for (auto node = run.rbegin(); node != run.rend(); ++node) graph.erase(**node);
}

}  // namespace

c10::OperatorHandle recorded_op() {
  static const c10::OperatorHandle op = c10::Dispatcher::singleton().findSchemaOrThrow("tracejet::recorded", "");
  return op;
}

bool gives_large_results_last(const Graph& graph, c10::Device device) {
  const auto large = large_results(graph);
  return large != graph.nodes().end() &&
         std::ranges::all_of(std::ranges::subrange(graph.nodes().begin(), large),
                             [&](const Node& node) { return recording::is_recordable(graph, node, device); });
}

RuntimeInputs passed_inputs(const Node& node) {
  const size_t count = std::get<std::vector<const Value*>>(node.arguments().front()).size();
  RuntimeInputs inputs(count);
  std::iota(inputs.begin(), inputs.end(), node.subgraphs().front()->inputs().size() - count);
  return inputs;
}

std::shared_ptr<const Graph> with_recorded_runs(const Graph& graph, c10::DeviceType type) {
  const std::shared_ptr<Graph> copy = copy_with_outputs(graph, {}).graph;
  const std::vector<CallRun> runs = find_runs(*copy, type);
  for (const CallRun& run : runs) record(*copy, run);
  return runs.empty() ? nullptr : copy;
}

}  // namespace tracejet::aten
