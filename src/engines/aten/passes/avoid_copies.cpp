#include "engines/aten/passes/avoid_copies.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "engines/aten/fusion/groups.h"
#include "engines/aten/passes/matching.h"
#include "engines/aten/passes/rewriting.h"
#include "engines/recording/recordable.h"
#include "ir/passes/dead_nodes.h"
#include "symbolic/sym_node.h"

namespace tracejet::aten {

namespace {

using symbolic::is_statically_equal;

/// A call in front of another one, which gives a tensor of these sizes.
const Value* insert(Graph& graph, const Node& before, const char* name, std::vector<Argument> arguments,
                    const TensorMeta& like, Sizes sizes) {
  TensorMeta meta = like;
  meta.strides = contiguous_strides(sizes);
  meta.sizes = std::move(sizes);
  meta.strides_may_differ = true;
  return graph.insert_node(before, find_op(name), std::move(arguments), {meta}, before.where()).outputs().front();
}

const Value* insert_reshape(Graph& graph, const Node& before, const Value& value, Sizes sizes) {
  return insert(graph, before, "aten::reshape", {&value, sizes_argument(sizes)}, value.tensor(), sizes);
}

const Value* insert_permute(Graph& graph, const Node& before, const Value& value, const std::vector<int64_t>& axes) {
  Sizes sizes;
  for (const int64_t axis : axes) sizes.push_back(value.tensor().sizes[static_cast<size_t>(axis)]);
  return insert(graph, before, "aten::permute", {&value, axes}, value.tensor(), std::move(sizes));
}

const Node* reshape_of(const Value& value) {
  return value.producer() != nullptr && is_reshape(*value.producer()) ? value.producer() : nullptr;
}

/// The axes that each axis is split into by a reshape that joins none; none for an axis of 1 that it leaves out.
/// nullopt where it joins axes.
std::optional<std::vector<std::vector<size_t>>> split_axes(const Sizes& from, const Sizes& to) {
  std::vector<std::vector<size_t>> parts(from.size());
  size_t next = 0;
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (next < to.size() && is_statically_equal(from[axis], to[next])) {
      parts[axis].push_back(next++);
      continue;
    }
    const auto whole = from[axis].maybe_as_int();
    if (!whole) return std::nullopt;
    for (int64_t product = 1; product != *whole;) {
      const auto part = next < to.size() ? to[next].maybe_as_int() : std::nullopt;
      if (!part || *part <= 0 || product * *part > *whole) return std::nullopt;
      product *= *part;
      parts[axis].push_back(next++);
    }
  }
  return next == to.size() ? std::optional(std::move(parts)) : std::nullopt;
}

/// reshape(reshape(x)) is reshape(x).
bool join_reshapes(Graph& graph, const Node& node) {
  const Node* inner = reshape_of(Call(node).value("self"));
  if (inner == nullptr) return false;
  const Sizes sizes = node.outputs().front()->tensor().sizes;
  replace_node(graph, node, find_op("aten::reshape"), {&Call(*inner).value("self"), sizes_argument(sizes)});
  return true;
}

/// An axis is split before axes are moved, so that reshapes meet: reshape(permute(x)) is permute(reshape(x)).
bool split_before_permute(Graph& graph, const Node& node) {
  const Value& moved = Call(node).value("self");
  const Node* permute = made_by(moved, "aten::permute");
  const Value& result = *node.outputs().front();
  if (permute == nullptr || result.tensor().dim() == moved.tensor().dim()) return false;
  const auto parts = split_axes(moved.tensor().sizes, result.tensor().sizes);
  if (!parts) return false;
  const Value& source = Call(*permute).value("self");
  const std::vector<int64_t> axes = Call(*permute).axes("dims", source.tensor().dim());
  Sizes sizes;
  std::vector<int64_t> places(result.tensor().sizes.size());  // of each axis of the result
  for (int64_t axis = 0; axis < source.tensor().dim(); ++axis) {
    const auto place = static_cast<size_t>(std::ranges::find(axes, axis) - axes.begin());
    for (const size_t part : (*parts)[place]) {
      places[part] = static_cast<int64_t>(sizes.size());
      sizes.push_back(result.tensor().sizes[part]);
    }
  }
  const Value* split = insert_reshape(graph, node, source, std::move(sizes));
  replace_node(graph, node, find_op("aten::permute"), {split, places});
  return true;
}

/// The product of rows in the order in which they lie, where a program puts its first two axes in the other order
/// before, as layers do that take batches second.
void keep_order_of_rows(Graph& graph, const Node& node) {
  const bool has_bias = is_call_of(node, "aten::addmm");
  const Call call(node);
  const Value& rows = call.value(has_bias ? "mat1" : "self");
  if (has_bias && call.tensor("self").dim() != 1) return;
  const Value& product = *node.outputs().front();
  const Node* joined = reshape_of(rows);
  const Node* reader = only_reader(graph, product);
  if (joined == nullptr || reader == nullptr || !is_reshape(*reader)) return;
  const Value& moved = Call(*joined).value("self");
  const Node* permute = made_by(moved, "aten::permute");
  if (permute == nullptr || moved.tensor().dim() < 3) return;
  const Value& source = Call(*permute).value("self");
  std::vector<int64_t> axes = Call(*permute).axes("dims", source.tensor().dim());
  const Sizes &sizes = moved.tensor().sizes, &given = reader->outputs().front()->tensor().sizes;
  if (axes[0] < axes[1] || given.size() < 3 || !is_statically_equal(given[0], sizes[0]) ||
      !is_statically_equal(given[1], sizes[1]) || !is_statically_equal(rows.tensor().sizes[0], sizes[0] * sizes[1]))
    return;
  std::swap(axes[0], axes[1]);
  const Value* in_order = insert_permute(graph, node, source, axes);
  const Value* own_rows = insert_reshape(graph, node, *in_order, rows.tensor().sizes);
  std::vector<Argument> arguments(node.arguments().begin(), node.arguments().end());
  arguments[has_bias ? 1 : 0] = own_rows;
  const Node& own = graph.insert_node(node, node.op(), std::move(arguments), {product.tensor()}, node.where());
  Sizes split_sizes = given;
  std::swap(split_sizes[0], split_sizes[1]);
  std::vector<int64_t> back(given.size());
  std::iota(back.begin(), back.end(), int64_t{0});
  std::swap(back[0], back[1]);
  const Value* split = insert_reshape(graph, *reader, *own.outputs().front(), std::move(split_sizes));
  replace_node(graph, *reader, find_op("aten::permute"), {split, back});
  graph.erase(node);
}

/// Whether a value is only read by a reshape, which copies it itself where it has to.
bool only_goes_to_reshape(const Graph& graph, const Value& value) {
  const Node* reader = only_reader(graph, value);
  return reader != nullptr && is_reshape(*reader);
}

/// Whether a value only goes to attention, as its query, key or value, by calls that don't copy it.
bool only_goes_to_attention(const Graph& graph, const Value& value) {
  static constexpr std::array<std::string_view, 6> kViews{"aten::select.int",   "aten::permute",
                                                          "aten::unsqueeze",    "aten::transpose.int",
                                                          "aten::slice.Tensor", "aten::squeeze.dim"};
  if (graph.is_output(value)) return false;
  return std::ranges::all_of(value.users(), [&](const Node* user) {
    const std::string name = Call(*user).name();
    if (name == "aten::scaled_dot_product_attention") return Call(*user).optional_value("attn_mask") != &value;
    const bool is_split =
        is_reshape(*user) && split_axes(value.tensor().sizes, user->outputs().front()->tensor().sizes);
    return (is_split || std::ranges::find(kViews, name) != kViews.end()) &&
           only_goes_to_attention(graph, *user->outputs().front());
  });
}

/// What a product gives lies row by row.
bool is_of_product(const Value& value) {
  const Node* node = value.producer();
  if (node == nullptr) return false;
  if (is_reshape(*node)) return is_of_product(Call(*node).value("self"));
  static constexpr std::array<std::string_view, 4> kProducts{"aten::mm", "aten::addmm", "aten::matmul", "aten::bmm"};
  return std::ranges::find(kProducts, Call(*node).name()) != kProducts.end();
}

/// Whether a reshape behind it has to copy anyway, and would do it number by number rather than by whole vectors: where
/// other axes than the last are moved, and then joined.
bool copies_better(const Graph& graph, const Node& clone) {
  const Value& moved = Call(clone).value("self");
  const Node* permute = made_by(moved, "aten::permute");
  const Node* reshape = only_reader(graph, *clone.outputs().front());
  if (permute == nullptr || !copies_vectors(clone) || !is_of_product(Call(*permute).value("self"))) return false;
  return reshape->outputs().front()->tensor().dim() < moved.tensor().dim();
}

}  // namespace

void avoid_copies(Graph& graph) {
  if (recording::gpus_of(graph).empty()) return;
  std::vector<const Node*> products;
  for (const Node& node : graph.nodes()) {
    if (is_call_of(node, "aten::addmm") || is_call_of(node, "aten::mm")) products.push_back(&node);
  }
  for (const Node* node : products) keep_order_of_rows(graph, *node);
  for (bool changes = true; changes;) {
    changes = false;
    for_each_node(graph, [&](const Node& node) {
      if (is_reshape(node)) changes = join_reshapes(graph, node) || split_before_permute(graph, node) || changes;
    });
  }
  eliminate_dead_nodes(graph);  // they would count as readers
  for_each_node(graph, [&](const Node& node) {
    if (!is_call_of(node, "aten::clone")) return;
    const Value& copy = *node.outputs().front();
    const bool is_reshaped = only_goes_to_reshape(graph, copy);
    if (is_reshaped ? copies_better(graph, node) : !only_goes_to_attention(graph, copy)) return;
    graph.replace_all_uses(copy, Call(node).value("self"));
    graph.erase(node);
  });
}

}  // namespace tracejet::aten
