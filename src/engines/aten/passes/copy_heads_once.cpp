#include "engines/aten/passes/copy_heads_once.h"

#include <algorithm>

#include "engines/aten/passes/layouts.h"
#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

namespace {

/// Whether it only goes to products, as it is, turned round or times a number.
bool only_goes_to_products(const Graph& graph, const Value& value) {
  if (graph.is_output(value) || value.users().empty()) return false;
  return std::ranges::all_of(value.users(), [&](const Node* user) {
    const std::string name = Call(*user).name();
    if (name == "aten::matmul") return true;
    if (name == "aten::mul.Tensor" || name == "aten::div.Tensor") {
      return Call(*user).is_number("other") && only_goes_to_products(graph, *user->outputs().front());
    }
    if (name != "aten::permute") return false;
    const int64_t rank = value.tensor().dim();
    std::vector<int64_t> axes = Call(*user).axes("dims", rank);
    if (rank < 2 || axes[static_cast<size_t>(rank) - 1] != rank - 2) return false;
    std::swap(axes[static_cast<size_t>(rank) - 1], axes[static_cast<size_t>(rank) - 2]);
    return std::ranges::is_sorted(axes) && only_goes_to_products(graph, *user->outputs().front());
  });
}

bool are_heads(const Graph& graph, const Node& permute) {
  const Value& value = *permute.outputs().front();
  if (value.tensor().dim() < 5 || is_contiguous(value.tensor()) || graph.is_output(value) || value.users().size() < 2)
    return false;
  return std::ranges::all_of(value.users(), [&](const Node* user) {
    return is_call_of(*user, "aten::select.int") && Call(*user).axis("dim", value.tensor().dim()) == 0 &&
           only_goes_to_products(graph, *user->outputs().front());
  });
}

}  // namespace

void copy_heads_once_of(Graph& graph, c10::DeviceType type) {
  for_each_node(graph, [&](const Node& node) {
    if (!is_call_of(node, "aten::permute") || node.outputs().front()->tensor().device.type() != type ||
        !are_heads(graph, node))
      return;
    TensorMeta meta = node.outputs().front()->tensor();
    meta.strides = contiguous_strides(meta.sizes);
    const Node& moved = graph.insert_node(node, node.op(), {node.arguments().begin(), node.arguments().end()},
                                          {node.outputs().front()->tensor()}, node.where());
    const Node& copy = graph.insert_node(node, find_op("aten::clone"),
                                         {moved.outputs().front(), static_cast<int64_t>(at::MemoryFormat::Contiguous)},
                                         {meta}, node.where());
    graph.replace_all_uses(*node.outputs().front(), *copy.outputs().front());
    graph.erase(node);
  });
}

void copy_heads_once(Graph& graph) { copy_heads_once_of(graph, c10::kCUDA); }

}  // namespace tracejet::aten
