#pragma once

#include <string_view>

#include "ir/graph.h"

namespace tracejet {

/// A change of a program that leaves what it computes.
struct Pass {
  std::string_view name;
  void (*run)(Graph&);
};

/// With TRACEJET_VERIFY_PASSES=1 in the environment, as in the tests, throws Error, naming the pass, where it leaves a
/// graph that verify_graph() refuses.
void run_pass(const Pass& pass, Graph& graph);

}  // namespace tracejet
