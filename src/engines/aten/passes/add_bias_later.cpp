#include "engines/aten/passes/add_bias_later.h"

#include <algorithm>

#include "engines/aten/fusion/pointwise_ops.h"
#include "engines/aten/fusion/row_ops.h"
#include "engines/aten/passes/rewriting.h"
#include "ir/passes/dead_nodes.h"
#include "symbolic/sym_node.h"

namespace tracejet::aten {

namespace {

bool has_bias(const Node& node, c10::DeviceType type) {
  if (!is_call_of(node, "aten::convolution") || !Call(node).has("bias")) return false;
  const TensorMeta &result = node.outputs().front()->tensor(), &bias = Call(node).tensor("bias");
  return result.device.type() == type && result.dtype == bias.dtype && result.dim() > 2;
}

/// Whether a kernel that is written for it takes more operands.
bool is_chain(const Node& reader, const Value& value) {
  return pointwise_op(reader) != nullptr && std::ranges::equal(reader.outputs().front()->tensor().sizes,
                                                               value.tensor().sizes, symbolic::is_statically_equal);
}

/// Whether it makes channels the last axis of what a norm alone reads.
bool is_for_norm(const Graph& graph, const Node& permute) {
  if (!is_call_of(permute, "aten::permute")) return false;
  const Value& moved = *permute.outputs().front();
  if (Call(permute).axes("dims", moved.tensor().dim()).back() != 1) return false;
  const Node* norm = only_reader(graph, moved);
  return norm != nullptr && row_op(*norm) && &rows_of(*norm) == &moved;
}

/// The values that nothing else reads.
std::vector<const Value*> read_alone(const Graph& graph, const Node& reader) {
  std::vector<const Value*> values;
  for (const Argument& argument : reader.arguments()) {
    for_each_value(argument, [&](const Value& value) {
      if (value.producer() != nullptr && only_reader(graph, value) == &reader) values.push_back(&value);
    });
  }
  return values;
}

const Value& insert_call(Graph& graph, const Node& before, const char* name, const char* overload,
                         std::vector<Argument> arguments, TensorMeta meta) {
  return *graph.insert_node(before, find_op(name, overload), std::move(arguments), {std::move(meta)}, before.where())
              .outputs()
              .front();
}

const Value& without_bias(Graph& graph, const Node& node) {
  std::vector<Argument> arguments(node.arguments().begin(), node.arguments().end());
  arguments[2] = c10::IValue();
  return insert_call(graph, node, "aten::convolution", "", std::move(arguments), node.outputs().front()->tensor());
}

/// One number for each channel, where the axis of channels is followed by others.
const Value& along_channels(Graph& graph, const Node& before, const Value& bias, int64_t axes_behind) {
  Sizes sizes{bias.tensor().sizes[0]};
  sizes.resize(static_cast<size_t>(1 + axes_behind), 1);
  TensorMeta meta = bias.tensor();
  meta.strides = contiguous_strides(sizes);
  meta.sizes = sizes;
  return insert_call(graph, before, "aten::reshape", "", {&bias, sizes_argument(sizes)}, std::move(meta));
}

}  // namespace

void add_bias_later_of(Graph& graph, c10::DeviceType type) {
  eliminate_dead_nodes(graph);  // they would count as readers
  for_each_node(graph, [&](const Node& reader) {
    for (const Value* result : read_alone(graph, reader)) {
      const Node& node = *result->producer();
      if (!has_bias(node, type)) continue;
      const Value& bias = Call(node).value("bias");
      if (is_chain(reader, *result)) {
        const Value& own = without_bias(graph, node);
        const Value& each = along_channels(graph, node, bias, result->tensor().dim() - 2);
        replace_node(graph, node, find_op("aten::add", "Tensor"), {&own, &each, 1});
      } else if (is_for_norm(graph, reader)) {
        const Value& own = without_bias(graph, node);
        graph.replace_all_uses(*result, own);
        graph.erase(node);
        const TensorMeta meta = reader.outputs().front()->tensor();
        const Value& moved = insert_call(graph, reader, "aten::permute", "", {&own, reader.arguments()[1]}, meta);
        replace_node(graph, reader, find_op("aten::add", "Tensor"), {&moved, &bias, 1});
        return;
      }
    }
  });
}

void add_bias_later(Graph& graph) { add_bias_later_of(graph, c10::kCUDA); }

}  // namespace tracejet::aten
