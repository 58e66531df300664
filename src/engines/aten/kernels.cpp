#include "engines/aten/kernels.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/TensorOptions.h>

#include "ir/assertion.h"
#include "ir/call.h"

namespace tracejet::aten {

namespace {

/// The device that a node computes on: that of the first tensor it gives or, failing that, takes.
c10::Device device_of(const Node& node) {
  for (const Value* output : node.outputs()) {
    if (output != nullptr && output->is_tensor()) return output->tensor().device;
  }
  c10::Device device(c10::kCPU);
  bool is_found = false;
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& value) {
      if (is_found || !value.is_tensor()) return;
      device = value.tensor().device;
      is_found = true;
    });
  }
  return device;
}

/// Whether this PyTorch has kernels for a device at all. Programs for others are compiled here to run elsewhere.
bool is_built_for(c10::DispatchKey key) {
  const auto empty = c10::Dispatcher::singleton().findSchema({"aten::empty", "memory_format"});
  return empty.has_value() && empty->hasComputedKernelForDispatchKey(key);
}

void find_unsupported(const Graph& graph, std::vector<Unsupported>& found) {
  for (const Node& node : graph.nodes()) {
    for (const auto& subgraph : node.subgraphs()) find_unsupported(*subgraph, found);
    if (!node.subgraphs().empty() || assertion_of(node)) continue;  // the interpreter's own
    const c10::Device device = device_of(node);
    const auto key = c10::TensorOptions().device(device).computeDispatchKey();
    if (!node.op().hasComputedKernelForDispatchKey(key) && is_built_for(key)) {
      found.push_back({&node, std::string("has no kernel for ") + c10::DeviceTypeName(device.type())});
    }
  }
}

}  // namespace

std::vector<Unsupported> find_unsupported(const Graph& graph) {
  std::vector<Unsupported> found;
  find_unsupported(graph, found);
  return found;
}

}  // namespace tracejet::aten
