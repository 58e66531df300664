#pragma once

#include "compile/partition/build.h"
#include "tracejet/compile.h"

namespace tracejet {

/// What was built, in words.
CompileReport report_of(const BuiltProgram& built);

}  // namespace tracejet
