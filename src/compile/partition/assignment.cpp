#include "compile/partition/assignment.h"

#include <utility>

#include "ir/call.h"

namespace tracejet {

Assignment::Assignment(const Graph& graph, std::vector<std::shared_ptr<const Engine>> engines)
    : engines_(std::move(engines)), refused_(engines_.size()) {
  for (const Node& node : graph.nodes()) {
    for (const auto& subgraph : node.subgraphs()) find_nested(*subgraph, node);
  }
}

void Assignment::find_nested(const Graph& graph, const Node& outermost) {
  for (const Node& node : graph.nodes()) {
    outermost_.emplace(&node, &outermost);
    for (const auto& subgraph : node.subgraphs()) find_nested(*subgraph, outermost);
  }
}

const Node& Assignment::outermost(const Node& node) const {
  const auto found = outermost_.find(&node);
  return found == outermost_.end() ? node : *found->second;
}

void Assignment::refuse(size_t engine, const Node& node, const std::string& reason) {
  const Node& outer = outermost(node);
  refused_[engine].try_emplace(&outer, &outer == &node ? reason : Call(node).name() + " in it " + reason);
}

size_t Assignment::count() const {
  size_t count = 0;
  for (const auto& nodes : refused_) count += nodes.size();
  return count;
}

std::optional<size_t> Assignment::engine_of(const Node& node) const {
  for (size_t engine = 0; engine < engines_.size(); ++engine) {
    if (takes(engine, node)) return engine;
  }
  return std::nullopt;
}

std::string Assignment::reason(const Node& node) const {
  const auto found = refused_.front().find(&node);
  return found == refused_.front().end() ? std::string() : found->second;
}

}  // namespace tracejet
