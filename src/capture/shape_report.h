#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/constraints.h"
#include "ir/graph.h"
#include "ir/model_line.h"
#include "symbolic/diagnosis.h"

namespace tracejet {

/// A guard and what became of it.
struct ReportedGuard {
  std::string condition;
  std::string verdict;  ///< "proven", "general", "asserted", "violation"
  std::vector<ModelLine> lines;
};

/// A thing that keeps sizes from varying as declared, for people.
struct ShapeProblem {
  std::string kind;       ///< "fixed_size", "equal_sizes", "narrower_range", "relation", "size_branch"
  std::string condition;  ///< "x[1] == 12"
  std::vector<std::string> axes;
  std::string forces;  ///< "x[1], declared as 1 to 64, must be 12"
  std::string fix;     ///< "make x[1] static with size 12"
  std::vector<ModelLine> lines;
};

/// All that a trace has assumed of its sizes.
struct ShapeReport {
  std::vector<ShapeProblem> problems;
  std::vector<ReportedGuard> guards;
};

ShapeReport report_shapes(const Graph& graph, const symbolic::Diagnosis& diagnosis, const SymbolAxes& axes);

/// The problems as the text of one error.
std::string describe(const std::vector<ShapeProblem>& problems);

}  // namespace tracejet
