#include "compile/memory_use.h"

#include <algorithm>

#include <ATen/ops/resolve_conj.h>
#include <ATen/ops/resolve_neg.h>
#include <ATen/ops/zeros.h>

#include "ir/call.h"

namespace tracejet {

namespace {

bool counts_memory(const Node& node) { return Call(node).name().starts_with("aten::as_strided"); }

/// Whether its results lie in memory as an engine's rules say, whatever its arguments do.
bool is_contiguous_copy(const Node& node) {
  if (Call(node).name() != "aten::clone") return false;
  const auto* format = std::get_if<c10::IValue>(&node.arguments().back());
  return format != nullptr && format->isInt() && format->toMemoryFormat() == c10::MemoryFormat::Contiguous;
}

}  // namespace

std::unordered_set<const Value*> inputs_read_by_place(const Graph& graph) {
  std::unordered_set<const Value*> read;
  if (std::ranges::none_of(graph.nodes(), counts_memory)) return read;
  std::vector<const Node*> nodes;
  for (const Node& node : graph.nodes()) nodes.push_back(&node);
  for (auto node = nodes.rbegin(); node != nodes.rend(); ++node) {
    const auto is_read = [&](const Value* output) { return read.contains(output); };
    const bool passes_on = std::ranges::any_of((*node)->outputs(), is_read) && !is_contiguous_copy(**node);
    if (!counts_memory(**node) && !passes_on) continue;
    for (const Argument& argument : (*node)->arguments()) {
      for_each_value(argument, [&](const Value& value) { read.insert(&value); });
    }
  }
  return read;
}

at::Tensor materialized(const at::Tensor& tensor) {
  if (tensor._is_zerotensor()) return at::zeros(tensor.sizes(), tensor.options());
  return at::resolve_neg(at::resolve_conj(tensor));
}

bool lies_as_traced(const at::Tensor& tensor, const TensorMeta& traced, const RuntimeSizes& sizes) {
  if (tensor.storage_offset() != 0) return false;
  for (int64_t axis = 0; axis < tensor.dim(); ++axis) {
    const bool matters = tensor.size(axis) > 1;
    if (matters && tensor.stride(axis) != sizes.evaluate(traced.strides[static_cast<size_t>(axis)])) return false;
  }
  return true;
}

}  // namespace tracejet
