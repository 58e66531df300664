#pragma once

#include <string_view>

#include "ir/graph.h"

namespace tracejet {

/// A change of a program that leaves what it computes.
struct Pass {
  std::string_view name;
  void (*run)(Graph&);
};

/// `verifies`: throws Error, naming the pass, where it leaves a graph that verify_graph() refuses. Debug builds always
/// look.
void run_pass(const Pass& pass, Graph& graph, bool verifies);

}  // namespace tracejet
