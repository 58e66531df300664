#include "engines/aten/passes/keep_axes.h"

#include <algorithm>

#include "engines/aten/passes/layouts.h"
#include "engines/aten/passes/matching.h"
#include "engines/aten/passes/rewriting.h"
#include "ir/passes/dead_nodes.h"
#include "symbolic/sym_node.h"

namespace tracejet::aten {

namespace {

/// Whether `split` is `whole` with its first axis as two.
bool splits_first(const Sizes& whole, const Sizes& split) {
  if (whole.size() < 2 || split.size() != whole.size() + 1) return false;
  const auto all = whole[0].maybe_as_int(), first = split[0].maybe_as_int(), second = split[1].maybe_as_int();
  return all && first && second && *first * *second == *all &&
         std::equal(whole.begin() + 1, whole.end(), split.begin() + 2, symbolic::is_statically_equal);
}

const Value& reshaped(Graph& graph, const Node& before, const Value& value, const Sizes& sizes) {
  return insert_contiguous(graph, before, find_op("aten::reshape"), {&value, sizes_argument(sizes)}, value.tensor(),
                           sizes);
}

/// reshape(a + b), which splits the first axis, is reshape(a) + reshape(b) where b has one row for all of it.
void split_before_sum(Graph& graph, const Node& reshape) {
  const Value& summed = Call(reshape).value("self");
  const Value& split = *reshape.outputs().front();
  if (!splits_first(summed.tensor().sizes, split.tensor().sizes) || !is_contiguous(summed.tensor()) ||
      graph.is_output(split) || only_reader(graph, summed) != &reshape)
    return;
  const auto terms = sum(summed);
  if (!terms || terms->other == nullptr) return;
  const Value &whole = *terms->tensor, &other = *terms->other;
  const Sizes& sizes = summed.tensor().sizes;
  const Sizes& added = other.tensor().sizes;
  if (!std::ranges::equal(whole.tensor().sizes, sizes, symbolic::is_statically_equal) ||
      whole.tensor().dtype != summed.tensor().dtype || other.tensor().dtype != summed.tensor().dtype)
    return;
  const bool is_of_rank = added.size() == sizes.size();
  if (is_of_rank && added[0].maybe_as_int() != 1) return;
  const Sizes own = split.tensor().sizes;
  Sizes wide(added.begin(), added.end());
  if (is_of_rank) wide.insert(wide.begin(), c10::SymInt(1));
  const Value& first = reshaped(graph, reshape, whole, own);
  const Value& second = is_of_rank ? reshaped(graph, reshape, other, wide) : other;
  replace_node(graph, reshape, find_op("aten::add", "Tensor"), {&first, &second, 1});
}

/// softmax(reshape(x)), which joins the first two axes, is reshape(softmax(x)).
void join_behind_softmax(Graph& graph, const Node& softmax) {
  const Value& joined = Call(softmax).value("self");
  const Node* reshape = joined.producer();
  if (reshape == nullptr || !is_reshape(*reshape) || only_reader(graph, joined) != &softmax) return;
  const Value& split = Call(*reshape).value("self");
  const Value& result = *softmax.outputs().front();
  const int64_t rank = joined.tensor().dim();
  if (!splits_first(joined.tensor().sizes, split.tensor().sizes) || Call(softmax).axis("dim", rank) != rank - 1 ||
      !is_contiguous(split.tensor()) || graph.is_output(result) || sum(split) == std::nullopt)
    return;
  std::vector<Argument> arguments(softmax.arguments().begin(), softmax.arguments().end());
  arguments[0] = &split;
  arguments[1] = c10::IValue(rank);
  const Sizes own = split.tensor().sizes;
  const Value& bent = insert_contiguous(graph, softmax, softmax.op(), std::move(arguments), result.tensor(), own);
  replace_node(graph, softmax, find_op("aten::reshape"), {&bent, sizes_argument(result.tensor().sizes)});
}

}  // namespace

void keep_axes_of(Graph& graph, c10::DeviceType type) {
  eliminate_dead_nodes(graph);  // they would count as readers
  for_each_node(graph, [&](const Node& node) {
    if (node.outputs().size() != 1 || node.outputs().front() == nullptr || !node.outputs().front()->is_tensor() ||
        node.outputs().front()->tensor().device.type() != type)
      return;
    if (is_reshape(node)) {
      split_before_sum(graph, node);
    } else if (is_call_of(node, "aten::_softmax")) {
      join_behind_softmax(graph, node);
    }
  });
}

void keep_axes(Graph& graph) { keep_axes_of(graph, c10::kCUDA); }

}  // namespace tracejet::aten
