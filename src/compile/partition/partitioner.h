#pragma once

#include <memory>
#include <vector>

#include "compile/partition/assignment.h"
#include "compile/partition/copies.h"
#include "compile/partition/dependencies.h"
#include "compile/partition/plan.h"
#include "compile/partition/schedule.h"

namespace tracejet {

/// Splits a program between engines. It learns what they refuse, and plans anew.
class Partitioner {
 public:
  /// `engines`: in order of preference, the last one for what the others don't take.
  /// `min_block_size`: an engine other than the last one gets no part of fewer nodes.
  Partitioner(std::shared_ptr<const Graph> graph, std::vector<std::shared_ptr<const Engine>> engines,
              size_t min_block_size);

  const Assignment& assignment() const { return assignment_; }
  /// These nodes of the program, or of what it runs, can't run on this engine.
  void refuse(size_t engine, const std::vector<Unsupported>& nodes);
  /// The same of nodes of a part.
  void refuse(const Part& part, const std::vector<Unsupported>& nodes);
  void refuse_all(const Part& part, const std::string& reason);
  void refuse_all(size_t engine, const std::string& reason);

  /// Throws UnsupportedOperator where no engine takes a node.
  PartitionPlan plan();

 private:
  size_t index_of(const Engine& engine) const;
  /// Most programs aren't split, and nobody looks at their nodes.
  void look_at_nodes();
  std::vector<ScheduledPart> scheduled() const;
  /// Leaves the smallest blocks that are too small to the next engine; false where there are none.
  bool dissolve_smallest(const std::vector<ScheduledPart>& parts);
  std::shared_ptr<const Engine> engine_of_all(const std::vector<ScheduledPart>& parts) const;
  PartitionPlan uncut_plan(const Node& number);
  Part part_of(const PartNodes& scheduled) const;
  void check_all_taken() const;

  std::shared_ptr<const Graph> graph_;
  Assignment assignment_;
  size_t min_block_size_;
  std::vector<PlannedNode> nodes_;                    // once somebody asks
  std::unordered_map<const Node*, size_t> position_;  // in the order of execution
};

}  // namespace tracejet
