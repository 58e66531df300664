#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/constraints.h"
#include "graph/graph.h"
#include "symbolic/diagnosis.h"

namespace tracejet {

/// A line of the user's program that asked for a guard, and the module that was running.
struct AskingLine {
  std::string file;
  int64_t line = 0;
  std::string function;
  std::string text;         ///< Empty where the file can't be read.
  std::string module_path;  ///< "encoder.layers.3"; empty for the model itself.
  std::string module_type;  ///< Empty where no module was running.
};

/// A guard and what became of it.
struct ReportedGuard {
  std::string condition;
  std::string verdict;  ///< "proven", "general", "asserted", "violation"
  std::vector<AskingLine> lines;
};

/// A thing that keeps sizes from varying as declared, for people.
struct ShapeProblem {
  std::string kind;       ///< "fixed_size", "equal_sizes", "narrower_range", "relation", "size_branch"
  std::string condition;  ///< "x[1] == 12"
  std::vector<std::string> axes;
  std::string forces;  ///< "x[1], declared as 1 to 64, must be 12"
  std::string fix;     ///< "make x[1] static with size 12"
  std::vector<AskingLine> lines;
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
