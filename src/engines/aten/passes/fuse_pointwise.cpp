#include "engines/aten/passes/fuse_pointwise.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "engines/aten/fusion/fused_op.h"
#include "engines/aten/fusion/groups.h"
#include "ir/copy.h"
#include "ir/passes/dead_nodes.h"

namespace tracejet::aten {

namespace {

/// Puts behind a group what stands between its nodes and needs one of them.
void make_neighbours(Graph& graph, const FusionGroup& group) {
  std::unordered_set<const Node*> members(group.begin(), group.end()), needs_them;
  std::vector<const Node*> later;
  const auto first = std::ranges::find_if(graph.nodes(), [&](const Node& node) { return &node == group.front(); });
  auto next = first;
  for (; &*next != group.back(); ++next) {
    if (members.contains(&*next)) continue;
    bool needs = false;
    for (const Argument& argument : next->arguments()) {
      for_each_value(argument, [&](const Value& value) {
        needs = needs || members.contains(value.producer()) || needs_them.contains(value.producer());
      });
    }
    if (!needs) continue;
    needs_them.insert(&*next);
    later.push_back(&*next);
  }
  ++next;
  const Node* behind = next == graph.nodes().end() ? nullptr : &*next;
  for (auto node = later.rbegin(); node != later.rend(); ++node) {
    graph.move(**node, behind);
    behind = *node;
  }
}

void fuse(Graph& graph, const FusionGroup& group) {
  make_neighbours(graph, group);
  const std::unordered_set<const Node*> members(group.begin(), group.end());
  const std::shared_ptr<Graph> body = graph.make_subgraph();
  std::unordered_map<const Value*, const Value*> values;
  std::vector<const Value*> inputs, results;
  std::vector<TensorMeta> metas;
  for (const Node* node : group) {
    for (const Argument& argument : node->arguments()) {
      for_each_value(argument, [&](const Value& value) {
        if (members.contains(value.producer()) || values.contains(&value)) return;
        values.emplace(&value,
                       body->add_input(GraphInput::Kind::kUser, value.tensor(), "x" + std::to_string(inputs.size())));
        inputs.push_back(&value);
      });
    }
  }
  for (const Node* node : group) {
    copy_node(*node, *body, values);
    const Value* result = node->outputs().front();
    const auto is_outside = [&](const Node* user) { return !members.contains(user); };
    if (!graph.is_output(*result) && std::ranges::none_of(result->users(), is_outside)) continue;
    results.push_back(result);
    metas.push_back(result->tensor());
    body->add_output({GraphOutput::Kind::kUser, values.at(result), {}, 0});
  }
  const Node& last = *group.back();
  const Node& fused = graph.insert_node(last, fused_op(), {inputs}, {metas}, last.where(), {body});
  for (size_t i = 0; i < results.size(); ++i) graph.replace_all_uses(*results[i], *fused.outputs()[i]);
  for (auto node = group.rbegin(); node != group.rend(); ++node) graph.erase(**node);
}

}  // namespace

void fuse_pointwise_of(Graph& graph, c10::DeviceType type) {
  eliminate_dead_nodes(graph);  // they would count as readers
  for (const FusionGroup& group : find_fusion_groups(graph, type)) fuse(graph, group);
}

void fuse_pointwise(Graph& graph) { fuse_pointwise_of(graph, c10::kCUDA); }

}  // namespace tracejet::aten
