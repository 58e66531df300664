#pragma once

#include <unordered_set>

#include "ir/graph.h"
#include "report/symbol_axes.h"
#include "symbolic/diagnosis.h"

namespace tracejet {

/// Makes a graph check an assertion: see Graph::add_assertion.
void add_assertion(Graph& graph, const symbolic::Condition& condition, const symbolic::Guard& guard,
                   const SymbolAxes& axes, const std::unordered_set<uint64_t>& from_around = {});

/// Makes the program check what the trace relies on: the diagnosis's assertions become nodes of the graph.
void add_assertions(Graph& graph, const symbolic::Diagnosis& diagnosis, const SymbolAxes& axes);

}  // namespace tracejet
