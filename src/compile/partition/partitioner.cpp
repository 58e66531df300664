#include "compile/partition/partitioner.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/error.h"
#include "ir/clone_range.h"
#include "ir/node_text.h"

namespace tracejet {

Partitioner::Partitioner(std::shared_ptr<const Graph> graph, std::vector<std::shared_ptr<const Engine>> engines,
                         size_t min_block_size)
    : graph_(std::move(graph)), assignment_(*graph_, std::move(engines)), min_block_size_(min_block_size) {}

void Partitioner::look_at_nodes() {
  if (!position_.empty()) return;
  nodes_ = planned_nodes(*graph_);
  for (const Node& node : graph_->nodes()) position_.emplace(&node, position_.size());
}

size_t Partitioner::index_of(const Engine& engine) const {
  const auto& engines = assignment_.engines();
  const auto found = std::ranges::find(engines, &engine, [](const auto& one) { return one.get(); });
  return static_cast<size_t>(found - engines.begin());
}

void Partitioner::refuse(size_t engine, const std::vector<Unsupported>& refused) {
  for (const auto& [node, reason] : refused) {
    assignment_.refuse(engine, *node, reason);
    if (!reads_number(*node)) continue;
    look_at_nodes();
    for (const PlannedNode& reader : nodes_) {  // it would be cloned into their parts
      if (std::ranges::find(reader.number_reads, node) != reader.number_reads.end()) {
        assignment_.refuse(engine, *reader.node, "needs a number: " + reason);
      }
    }
  }
}

void Partitioner::refuse(const Part& part, const std::vector<Unsupported>& refused) {
  // The part's nodes come last in its graph, after calls that read numbers for them.
  std::unordered_map<const Node*, const Node*> originals;
  auto clone = part.graph->nodes().rbegin();
  for (auto node = part.nodes.rbegin(); node != part.nodes.rend(); ++node) originals.emplace(&*clone++, *node);
  const size_t engine = index_of(*part.engine);
  for (const auto& [node, reason] : refused) {
    if (const auto original = originals.find(node); original != originals.end()) {
      refuse(engine, {{original->second, reason}});
    } else if (&assignment_.outermost(*node) != node) {
      refuse(engine, {{node, reason}});  // subgraphs are shared with the whole program
    } else {
      for (const Node* reader : part.nodes) assignment_.refuse(engine, *reader, "needs a number: " + reason);
    }
  }
}

void Partitioner::refuse_all(const Part& part, const std::string& reason) {
  const size_t engine = index_of(*part.engine);
  for (const Node* node : part.nodes) assignment_.refuse(engine, *node, reason);
}

void Partitioner::refuse_all(size_t engine, const std::string& reason) {
  for (const Node& node : graph_->nodes()) assignment_.refuse(engine, node, reason);
}

void Partitioner::check_all_taken() const {
  std::vector<Unsupported> left;
  for (const PlannedNode& planned : nodes_) {
    if (!planned.is_assertion && !assignment_.engine_of(*planned.node)) {
      left.push_back({planned.node, "is taken by none of the engines: " + assignment_.reason(*planned.node)});
    }
  }
  if (!left.empty())
    throw UnsupportedOperator(report(*graph_, left, assignment_.engines().back()->name()), ErrorCode::kEngineRefusal);
}

std::vector<ScheduledPart> Partitioner::scheduled() const {
  std::vector<size_t> engines;
  const size_t last = assignment_.engines().size() - 1;
  for (const PlannedNode& planned : nodes_) engines.push_back(assignment_.engine_of(*planned.node).value_or(last));
  const auto takes = [&](size_t engine, size_t node) {
    return engine == last || assignment_.takes(engine, *nodes_[node].node);
  };
  return schedule(nodes_, engines, last + 1, takes);
}

bool Partitioner::dissolve_smallest(const std::vector<ScheduledPart>& parts) {
  const size_t last = assignment_.engines().size() - 1;
  const auto is_too_small = [&](const ScheduledPart& part) {
    return parts.size() > 1 && part.engine != last && part.nodes.size() < min_block_size_;
  };
  size_t smallest = min_block_size_;
  for (const ScheduledPart& part : parts) {
    if (is_too_small(part)) smallest = std::min(smallest, part.nodes.size());
  }
  bool is_changed = false;
  for (const ScheduledPart& part : parts) {
    if (!is_too_small(part) || part.nodes.size() != smallest) continue;
    const std::string count = std::to_string(part.nodes.size());
    for (const size_t node : part.nodes) {
      assignment_.refuse(
          part.engine, *nodes_[node].node,
          "would be in a block of " + count + ", fewer than min_block_size (" + std::to_string(min_block_size_) + ")");
    }
    is_changed = true;
  }
  return is_changed;
}

Part Partitioner::part_of(const PartNodes& scheduled) const {
  Part part{assignment_.engines()[scheduled.engine], {}, nullptr, {}, {}};
  std::unordered_set<const Node*> inside;
  for (const size_t node : scheduled.nodes) inside.insert(nodes_[node].node);
  const auto reads_from_inside = [&](const Node* read) {
    return std::ranges::any_of(read->arguments(), [&](const Argument& argument) {
      bool is_inside = false;
      for_each_value(argument, [&](const Value& value) { is_inside = is_inside || inside.contains(value.producer()); });
      return is_inside;
    });
  };
  for (const size_t node : scheduled.nodes) {
    for (const Node* read : nodes_[node].number_reads) {
      if (reads_from_inside(read)) inside.insert(read);
    }
  }
  part.nodes.assign(inside.begin(), inside.end());
  std::ranges::sort(part.nodes, {}, [&](const Node* node) { return position_.at(node); });
  std::vector<const Node*> copies;
  for (const size_t node : scheduled.copies) copies.push_back(nodes_[node].node);
  ClonedRange cloned = clone_range(*graph_, part.nodes, copies);
  part.graph = std::move(cloned.graph);
  part.inputs = std::move(cloned.inputs);
  part.outputs = std::move(cloned.outputs);
  return part;
}

/// The engine that takes the program as it is.
std::shared_ptr<const Engine> Partitioner::engine_of_all(const std::vector<ScheduledPart>& parts) const {
  if (parts.size() > 1) return nullptr;
  const size_t engine = parts.empty() ? 0 : parts.front().engine;
  const bool takes_all =
      std::ranges::all_of(graph_->nodes(), [&](const Node& node) { return assignment_.takes(engine, node); });
  return takes_all ? assignment_.engines()[engine] : nullptr;
}

PartitionPlan Partitioner::uncut_plan(const Node& number) {
  const size_t before = assignment_.count();
  for (size_t engine = 0; engine + 1 < assignment_.engines().size(); ++engine) {
    refuse_all(engine, "can't have a part of this program: a number would have to cross, which " + text_of(number) +
                           " gives and nothing else can compute");
  }
  if (assignment_.count() == before)
    throw UnsupportedOperator("no engine takes this program as a whole", ErrorCode::kEngineRefusal);
  return plan();
}

PartitionPlan Partitioner::plan() {
  look_at_nodes();
  check_all_taken();
  std::vector<ScheduledPart> parts = scheduled();
  while (dissolve_smallest(parts)) {
    check_all_taken();
    parts = scheduled();
  }
  PartitionPlan plan{graph_, assignment_.engines().front()->name(), {}, {}, {}};
  if (auto engine = engine_of_all(parts)) {
    plan.parts = whole_plan(graph_, std::move(engine)).parts;
  } else if (const Node* number = find_uncuttable(*graph_)) {
    return uncut_plan(*number);
  } else {
    for (const PartNodes& part : with_copies(*graph_, nodes_, parts)) plan.parts.push_back(part_of(part));
  }
  std::unordered_set<const Node*> noted;
  for (const Part& part : plan.parts) {
    for (const Node* node : part.nodes) {
      if (!noted.insert(node).second) continue;
      const std::string reason = assignment_.reason(*node);
      if (part.engine != assignment_.engines().front() && !reason.empty()) {
        plan.fallbacks.push_back({node, part.engine->name(), reason});
      }
    }
  }
  std::ranges::sort(plan.fallbacks, {}, [&](const Fallback& fallback) { return position_.at(fallback.node); });
  return plan;
}

}  // namespace tracejet
