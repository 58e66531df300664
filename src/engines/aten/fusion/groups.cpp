#include "engines/aten/fusion/groups.h"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "engines/aten/fusion/pointwise_ops.h"
#include "engines/aten/fusion/row_ops.h"
#include "symbolic/sym_node.h"

namespace tracejet::aten {

namespace {

constexpr size_t kMostNodes = 64, kMostInputs = 24;

bool are_equal(c10::SymIntArrayRef a, c10::SymIntArrayRef b) {
  return std::ranges::equal(a, b, symbolic::is_statically_equal);
}

/// The sizes of rows' sums.
Sizes sums_of(Sizes space) {
  if (!space.empty()) space.back() = 1;
  return space;
}

bool computes_nothing(const Node& node) {
  const std::string name = Call(node).name();
  return name == "aten::full" || name == "aten::full_like";
}

/// PyTorch's layer norm has a block for a row, most of whose threads wait where rows are short.
bool gains_alone(const Node& node) {
  if (copies_vectors(node)) return true;
  constexpr int64_t kLongest = 1024;
  return row_op(node) == RowOp::kLayerNorm && *rows_of(node).tensor().sizes.back().maybe_as_int() <= kLongest;
}

struct Group {
  Sizes space;
  bool has_rows = false;
  std::vector<const Node*> members;  ///< in no order
};

class Grouping {
 public:
  Grouping(const Graph& graph, c10::DeviceType type) : graph_(graph) {
    size_t place = 0;
    for (const Node& node : graph.nodes()) {
      places_[&node] = place++;
      if (can_be_fused(node, type)) add(node);
    }
  }

  std::vector<FusionGroup> take() {
    std::vector<FusionGroup> found;
    for (const auto& group : groups_) {
      const auto computes = [](const Node* node) { return !computes_nothing(*node); };
      const bool is_more_than_one = std::ranges::count_if(group->members, computes) > 1;
      if (!is_more_than_one && !gains_alone(*group->members.front())) continue;
      std::ranges::sort(group->members, {}, [&](const Node* node) { return places_.at(node); });
      found.push_back(group->members);
    }
    std::ranges::sort(found, {}, [&](const FusionGroup& group) { return places_.at(group.back()); });
    return found;
  }

 private:
  bool can_be_fused(const Node& node, c10::DeviceType type) const {
    const Value* result = node.outputs().empty() ? nullptr : node.outputs().front();
    if (result == nullptr || !result->is_tensor() || result->tensor().device.type() != type) return false;
    const auto is_read = [&](const Value* value) {
      return value != nullptr && (!value->users().empty() || graph_.is_output(*value));
    };
    if (std::any_of(std::next(node.outputs().begin()), node.outputs().end(), is_read)) return false;
    return row_op(node) || pointwise_op(node) != nullptr;
  }

  static const Sizes& space_of(const Node& node) {
    return row_op(node) ? rows_of(node).tensor().sizes : node.outputs().front()->tensor().sizes;
  }

  void add(const Node& node) {
    Group*& own = group_of_[&node];
    for (const Node* producer : producers_of(node)) {
      const auto found = group_of_.find(producer);
      if (found == group_of_.end() || own == found->second) continue;
      own == nullptr ? try_to_join(node, found->second) : try_to_merge(own, found->second);
    }
    if (own != nullptr) return;
    groups_.push_back(std::make_unique<Group>(Group{space_of(node), row_op(node).has_value(), {&node}}));
    own = groups_.back().get();
  }

  static std::vector<const Node*> producers_of(const Node& node) {
    std::vector<const Node*> producers;
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) {
        if (value.producer() != nullptr) producers.push_back(value.producer());
      });
    }
    return producers;
  }

  static bool fits(const Node& node, const Group& group) {
    const Sizes& own = space_of(node);
    if (are_equal(own, group.space)) return !row_op(node) || is_of_full_rows(node, group);
    return group.has_rows && !row_op(node) && are_equal(own, sums_of(group.space));
  }
  static bool is_of_full_rows(const Node& node, const Group& group) {
    return are_equal(rows_of(node).tensor().sizes, group.space);
  }

  void try_to_join(const Node& node, Group* group) {
    if (!fits(node, *group)) return;
    std::vector<const Node*> together = group->members;
    together.push_back(&node);
    if (!can_be_one(together)) return;
    group->members = std::move(together);
    group->has_rows = group->has_rows || row_op(node).has_value();
    group_of_[&node] = group;
  }

  void try_to_merge(Group* into, Group* other) {
    if (!are_equal(into->space, other->space)) return;
    std::vector<const Node*> together = into->members;
    together.insert(together.end(), other->members.begin(), other->members.end());
    if (!can_be_one(together)) return;
    for (const Node* node : other->members) group_of_[node] = into;
    into->members = std::move(together);
    into->has_rows = into->has_rows || other->has_rows;
    std::erase_if(groups_, [&](const auto& group) { return group.get() == other; });
  }

  /// Whether nothing outside needs one of them and is needed by another, and one kernel can have them all.
  bool can_be_one(const std::vector<const Node*>& nodes) const {
    if (nodes.size() > kMostNodes) return false;
    const std::unordered_set<const Node*> members(nodes.begin(), nodes.end());
    const auto place = [&](const Node* node) { return places_.at(node); };
    const size_t first = place(*std::ranges::min_element(nodes, {}, place));
    std::unordered_set<const Value*> inputs;
    std::vector<const Node*> outside;
    std::unordered_set<const Node*> seen;
    const auto look_at = [&](const Node* node) {
      if (seen.insert(node).second) outside.push_back(node);
    };
    for (const Node* node : nodes) {
      // What other threads compute isn't in memory.
      if (row_op(*node) == RowOp::kRotateHalf && members.contains(rows_of(*node).producer())) return false;
      for (const Argument& argument : node->arguments()) {
        for_each_value(argument, [&](const Value& value) {
          if (value.producer() != nullptr && members.contains(value.producer())) return;
          inputs.insert(&value);
          if (value.producer() != nullptr) look_at(value.producer());
        });
      }
    }
    if (inputs.size() > kMostInputs) return false;
    while (!outside.empty()) {
      const Node* node = outside.back();
      outside.pop_back();
      // What is computed in another group is computed when all of that is.
      const auto found = group_of_.find(node);
      const std::vector<const Node*> alone{node};
      const auto& together = found == group_of_.end() || found->second == nullptr ? alone : found->second->members;
      if (std::ranges::all_of(together, [&](const Node* one) { return place(one) < first; })) continue;
      for (const Node* one : together) {
        for (const Node* producer : producers_of(*one)) {
          if (members.contains(producer)) return false;
          look_at(producer);
        }
      }
    }
    return true;
  }

  const Graph& graph_;
  std::unordered_map<const Node*, size_t> places_;
  std::vector<std::unique_ptr<Group>> groups_;
  std::unordered_map<const Node*, Group*> group_of_;
};

}  // namespace

bool copies_vectors(const Node& node) {
  constexpr int64_t kBytes = 16;
  if (Call(node).name() != "aten::clone" || Call(node).memory_format() != at::MemoryFormat::Contiguous) return false;
  const Node* permute = Call(node).value("self").producer();
  if (permute == nullptr || Call(*permute).name() != "aten::permute") return false;
  const TensorMeta& from = Call(*permute).tensor("self");
  const auto length = from.dim() < 3 ? std::nullopt : from.sizes.back().maybe_as_int();
  if (!length || *length * static_cast<int64_t>(c10::elementSize(from.dtype)) % kBytes != 0) return false;
  std::vector<int64_t> axes = Call(*permute).axes("dims", from.dim());
  if (axes.back() != from.dim() - 1) return false;
  std::erase_if(axes, [&](int64_t axis) { return from.sizes[static_cast<size_t>(axis)].maybe_as_int() == 1; });
  return !std::ranges::is_sorted(axes);
}

std::vector<FusionGroup> find_fusion_groups(const Graph& graph, c10::DeviceType type) {
  return Grouping(graph, type).take();
}

}  // namespace tracejet::aten
