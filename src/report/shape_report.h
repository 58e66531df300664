#pragma once

#include "ir/graph.h"
#include "report/symbol_axes.h"
#include "symbolic/diagnosis.h"
#include <tracejet/report.h>

namespace tracejet {

/// A diagnosis in words: the axes, the lines, and what to do.
Report report_shapes(const Graph& graph, const symbolic::Diagnosis& diagnosis, const SymbolAxes& axes);

}  // namespace tracejet
