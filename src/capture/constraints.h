#pragma once

#include <map>
#include <string>
#include <unordered_set>
#include <vector>

#include "ir/graph.h"
#include "symbolic/diagnosis.h"

namespace tracejet {

/// The inputs' axes that each symbol is the size of: "batch" -> "x[0]", "mask[0]".
using SymbolAxes = std::map<std::string, std::vector<std::string>>;

/// Adds the axes of one input.
void add_axes(SymbolAxes& axes, const std::string& input, const TensorMeta& meta);

/// A condition in the words of the caller: "x[1] % 12 == 0", where the symbol is called otherwise.
std::string in_words(const symbolic::Condition& condition, const SymbolAxes& axes);

/// Makes a graph check an assertion: see Graph::add_assertion.
void add_assertion(Graph& graph, const symbolic::Condition& condition, const symbolic::Guard& guard,
                   const SymbolAxes& axes, const std::unordered_set<uint64_t>& from_around = {});

/// Makes the program check what the trace relies on: the diagnosis's assertions become nodes of the graph.
void add_assertions(Graph& graph, const symbolic::Diagnosis& diagnosis, const SymbolAxes& axes);

}  // namespace tracejet
