#pragma once

#include <vector>

#include <tracejet/input.h>
#include <tracejet/trace.h>

namespace tracejet {

/// What a program takes, as it would be declared to trace(): one Input for each tensor, in their order. Axes that
/// always have the same size share a name.
std::vector<Input> inputs_of(const Program& program);

/// Lowers a program anew: its calls are traced as forward's would be, with other decompositions, and keep their lines
/// and modules. For programs that `load` has read, whoever wrote them; nothing of Python is run.
///
/// Throws UnsupportedOperator, ShapeError or ConstraintViolation where it can't be traced for all sizes that it takes.
Program trace(const Program& program, const TraceOptions& options = {});

}  // namespace tracejet
