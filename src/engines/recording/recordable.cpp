#include "engines/recording/recordable.h"

#include <algorithm>

#include <ATen/core/enum_tag.h>
#include <torch/csrc/distributed/c10d/GroupRegistry.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include "ir/analysis/effect.h"
#include "ir/assertion.h"
#include "ir/call.h"
#include "ir/control_flow.h"
#include "ir/model_line.h"

namespace tracejet::recording {

namespace {

/// A number that a tensor on a CPU holds is fixed when a call is recorded. That of a weight is fixed anyway.
bool is_fixed_number(const GraphInput& input) {
  return input.data.defined() && input.value->tensor().dim() == 0 && input.value->tensor().device.is_cpu();
}

/// Whether a mask selects elements: how many of them only the device knows.
bool selects_by_mask(const Node& node) {
  const std::string& name = node.op().operator_name().name;
  if (!name.starts_with("aten::index") && !name.starts_with("aten::_index") && !name.starts_with("aten::_unsafe_index"))
    return false;
  bool has_mask = false;
  const auto look_at = [&](const Value& value) {
    has_mask = has_mask || value.tensor().dtype == at::kBool || value.tensor().dtype == at::kByte;
  };
  for (const Argument& argument : node.arguments()) {
    if (std::holds_alternative<std::vector<const Value*>>(argument)) for_each_value(argument, look_at);
  }
  return has_mask;
}

/// Only NCCL's calls are the GPU's own. All processes must record the same ones: where sizes vary, one may have seen a
/// layout twice that is new to another.
std::optional<std::string> why_not_communicated(const Graph& graph, const Node& node) {
  const auto varies = [](const GraphInput& input) {
    return input.value != nullptr && input.value->tensor().is_symbolic();
  };
  if (std::ranges::any_of(graph.inputs(), varies)) return "communicates with other processes, where sizes may differ";
  const Call call(node);
  if (!call.declares("group_name")) return std::nullopt;
  try {
    const auto group = c10d::resolve_process_group(std::string(call.text("group_name")));
    if (group->getBackend(c10::DeviceType::CUDA)->getBackendName() == "nccl") return std::nullopt;
  } catch (const std::exception&) {  // no such group, or one without a backend for GPUs
  }
  return "communicates with other processes, and not through NCCL";
}

std::optional<std::string> own_reason(const Node& node, c10::DeviceType type) {
  const c10::OperatorName& name = node.op().operator_name();
  if (!node.subgraphs().empty()) {
    const bool asks_data = node.op() == control_flow::cond() || node.op() == control_flow::while_loop();
    return asks_data ? std::optional<std::string>("branches on data") : std::nullopt;
  }
  if (!name.name.starts_with("aten::") && !name.name.starts_with("tracejet::") &&
      !name.name.starts_with("torchvision::") && !communicates(node.op()))
    return "is a custom operator, which may do more than run kernels";
  if (node.op().hasTag(at::Tag::cudagraph_unsafe)) return "is marked as unsafe for CUDA graphs";
  if (name.name.find("as_strided") != std::string::npos) return "takes elements by their place in memory";
  if (!unbacked_symbols_from(node).empty() || selects_by_mask(node)) return "gives as many elements as its data say";
  for (const Value* output : node.outputs()) {
    if (output == nullptr) continue;
    if (!output->is_tensor()) return "reads a number from the device";
    if (output->tensor().device.type() != type) return "gives a tensor on the CPU";
  }
  return std::nullopt;
}

std::optional<std::string> why_not(const Graph& program, const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (assertion_of(node)) continue;
    auto reason = own_reason(node, c10::kCUDA);
    if (!reason && communicates(node.op())) reason = why_not_communicated(program, node);
    if (reason) return Call(node).name() + " " + *reason + "\n" + describe(node.where(), graph);
    for (const auto& subgraph : node.subgraphs()) {
      if (const auto inside = why_not(program, *subgraph)) return inside;
    }
  }
  return std::nullopt;
}

/// Whether nothing inside asks for data, nor communicates: other processes may record other calls.
bool is_recordable_inside(const Node& node, c10::DeviceType type) {
  if (assertion_of(node)) return true;
  if (own_reason(node, type) || communicates(node.op())) return false;
  return std::ranges::all_of(node.subgraphs(), [&](const auto& subgraph) {
    return std::ranges::all_of(subgraph->nodes(), [&](const Node& inner) { return is_recordable_inside(inner, type); });
  });
}

}  // namespace

std::vector<c10::Device> gpus_of(const Graph& graph) {
  std::vector<c10::Device> gpus;
  const auto look_at = [&](const Value* value) {
    if (value == nullptr || !value->is_tensor() || !value->tensor().device.is_cuda()) return;
    if (std::ranges::find(gpus, value->tensor().device) == gpus.end()) gpus.push_back(value->tensor().device);
  };
  for (const GraphInput& input : graph.inputs()) look_at(input.value);
  for (const Node& node : graph.nodes()) std::ranges::for_each(node.outputs(), look_at);
  return gpus;
}

std::optional<std::string> why_not_recorded(const Graph& graph) {
  if (gpus_of(graph).size() > 1) return "it is on several GPUs";
  for (const GraphInput& input : graph.inputs()) {
    if (input.value == nullptr || !input.value->tensor().device.is_cpu() || is_fixed_number(input)) continue;
    if (input.value->users().empty() && !graph.is_output(*input.value)) continue;
    return input.name + " is on the CPU";
  }
  return why_not(graph, graph);
}

bool is_recordable(const Graph& graph, const Node& node, c10::Device device) {
  const auto lies_there = [&](const Value& value) { return value.is_tensor() && value.tensor().device == device; };
  const auto is_number = [&](const Value& value) {
    return std::ranges::any_of(
        graph.inputs(), [&](const GraphInput& input) { return input.value == &value && is_fixed_number(input); });
  };
  bool all_there = true;
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument,
                   [&](const Value& value) { all_there = all_there && (lies_there(value) || is_number(value)); });
  }
  const auto is_there = [&](const Value* output) { return output == nullptr || lies_there(*output); };
  return all_there && std::ranges::all_of(node.outputs(), is_there) && is_recordable_inside(node, device.type());
}

}  // namespace tracejet::recording
