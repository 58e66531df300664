#pragma once

#include <map>
#include <span>
#include <string>

#include "ir/graph.h"
#include "symbolic/expression.h"

namespace tracejet {

/// Whether `special`, a trace in which some sizes are numbers, surely computes what `general` computes at these sizes.
/// `sizes` gives the numbers by the names of general's symbols. Strides are of no concern, nor are views and copies in
/// which the tensor stays what it is. No is no proof of a difference.
bool computes_the_same(const Graph& general, const std::map<std::string, int64_t>& sizes, const Graph& special);

/// Whether `general` surely computes what `special`, another trace of the same inputs, computes wherever `conditions`
/// hold, and relies on nothing less.
bool computes_the_same(const Graph& general, const Graph& special, std::span<const symbolic::Condition> conditions);

/// Whether `general` surely computes what `special`, another trace of the same inputs, computes for all data that go
/// the way that special asserts at branches on data (kDataBranch), and relies on nothing less.
bool computes_the_same_for_data(const Graph& general, const Graph& special);

/// Whether both make the same calls in the same order, on the same data, where some sizes of `general` are these
/// numbers: then an engine that takes ranks and sizes from its data (the interpreter) computes the same with both, also
/// where the ranks that were traced differ.
bool makes_the_same_calls(const Graph& general, const std::map<std::string, int64_t>& sizes, const Graph& special);

/// Whether every result of both, two traces of the same model, is made by the same calls of the same, also in what
/// control flow runs. What nobody needs is of no concern, nor are assertions and the order of random numbers.
bool gives_the_same_results(const Graph& graph, const Graph& other);

}  // namespace tracejet
