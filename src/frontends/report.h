#pragma once

#include "capture/constraints.h"
#include "ir/graph.h"
#include "symbolic/diagnosis.h"
#include <tracejet/report.h>

namespace tracejet {

/// A diagnosis in words: the axes, the lines, and what to do.
Report report_shapes(const Graph& graph, const symbolic::Diagnosis& diagnosis, const SymbolAxes& axes);

}  // namespace tracejet
