#pragma once

#include <string>
#include <vector>

#include "compile/partition/plan.h"
#include "tracejet/compile.h"

namespace tracejet {

/// A plan in words.
CompileReport report_of(const PartitionPlan& plan, const std::vector<std::string>& notes);

}  // namespace tracejet
