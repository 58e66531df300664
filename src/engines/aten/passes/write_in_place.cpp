#include "engines/aten/passes/write_in_place.h"

#include <algorithm>

#include <ATen/core/List.h>
#include <ATen/ops/_index_put_impl.h>
#include <torch/library.h>

#include "base/memory.h"
#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

namespace {

at::Tensor index_put_here(const at::Tensor& self, const c10::List<std::optional<at::Tensor>>& indices,
                          const at::Tensor& values) {
  at::Tensor written = self;
  return at::_index_put_impl_(written, indices, values);
}

// Not declared as one that writes: programs call such operators on copies.
TORCH_LIBRARY_FRAGMENT(tracejet, library) {
  library.def("index_put_here(Tensor self, Tensor?[] indices, Tensor values) -> Tensor");
}
TORCH_LIBRARY_IMPL(tracejet, CompositeExplicitAutograd, library) { library.impl("index_put_here", index_put_here); }

bool has_memory_of_its_own(const Graph& graph, const GraphInput& buffer) {
  if (!buffer.data.defined() || !buffer.data.is_non_overlapping_and_dense()) return false;
  return std::ranges::none_of(graph.inputs(), [&](const GraphInput& other) {
    return &other != &buffer && other.data.defined() && memory_overlaps(buffer.data, other.data);
  });
}

/// Whether it gives a buffer its new value by overwriting parts of the old one, which nobody else asks for.
bool writes_to_buffer(const Graph& graph, const Node& node) {
  if (!is_call_of(node, "aten::index_put") || Call(node).flag("accumulate")) return false;
  const Value& before = Call(node).value("self");
  const auto is_this = [&](const GraphInput& input) { return input.value == &before; };
  const auto buffer = std::ranges::find_if(graph.inputs(), is_this);
  if (buffer == graph.inputs().end() || buffer->kind != GraphInput::Kind::kBuffer ||
      only_reader(graph, before) != &node || !has_memory_of_its_own(graph, *buffer))
    return false;
  const auto place = static_cast<size_t>(buffer - graph.inputs().begin());
  const Value* after = node.outputs().front();
  return std::ranges::count_if(graph.outputs(), [&](const GraphOutput& output) {
           return output.kind == GraphOutput::Kind::kBufferMutation && output.target == place && output.value == after;
         }) == 1;
}

}  // namespace

void write_in_place(Graph& graph) {
  for_each_node(graph, [&](const Node& node) {
    if (!writes_to_buffer(graph, node)) return;
    replace_node(graph, node, find_op("tracejet::index_put_here"),
                 {node.arguments()[0], node.arguments()[1], node.arguments()[2]});
  });
}

}  // namespace tracejet::aten
