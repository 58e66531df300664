#include "compile/partition/copies.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <unordered_set>

#include "ir/assertion.h"

namespace tracejet {

namespace {

/// The nodes that give what the program gives, or a size that it may depend on.
std::unordered_set<const Node*> nodes_of_outputs(const Graph& graph) {
  std::unordered_set<const Node*> given;
  for (const GraphOutput& output : graph.outputs()) {
    if (output.value != nullptr) given.insert(output.value->producer());
  }
  for (const Node& node : graph.nodes()) {
    if (!unbacked_symbols_from(node).empty()) given.insert(&node);
  }
  return given;
}

}  // namespace

std::vector<PartNodes> with_copies(const Graph& graph, std::span<const PlannedNode> nodes,
                                   const std::vector<ScheduledPart>& parts) {
  const auto given = nodes_of_outputs(graph);
  std::vector<size_t> own(nodes.size());  // the part of each node
  for (size_t part = 0; part < parts.size(); ++part) {
    for (const size_t node : parts[part].nodes) own[node] = part;
  }
  std::vector<PartNodes> result;
  for (const ScheduledPart& part : parts) result.push_back({part.engine, {}, {}});
  std::vector<std::set<size_t>> readers(nodes.size());  // parts
  for (size_t i = nodes.size(); i-- > 0;) {
    const auto is_of_its_engine = [&](size_t part) { return parts[part].engine == parts[own[i]].engine; };
    std::set<size_t> where;
    bool is_needed_elsewhere = true;
    if (nodes[i].is_fixed && !nodes[i].is_assertion && !readers[i].empty()) {
      std::ranges::copy_if(readers[i], std::inserter(where, where.end()), is_of_its_engine);
      is_needed_elsewhere = where.size() < readers[i].size() || given.contains(nodes[i].node);
    }
    if (is_needed_elsewhere) where.insert(own[i]);
    for (const size_t part : where) {
      result[part].nodes.push_back(i);
      if (!is_needed_elsewhere || part != own[i]) result[part].copies.push_back(i);
    }
    for (const size_t before : nodes[i].after) readers[before].insert(where.begin(), where.end());
  }
  for (PartNodes& part : result) std::ranges::reverse(part.nodes);
  std::erase_if(result, [](const PartNodes& part) { return part.nodes.empty(); });
  return result;
}

}  // namespace tracejet
