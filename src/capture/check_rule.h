#pragma once

#include <vector>

#include "ir/call.h"
#include "ir/graph.h"

namespace c10::impl {
struct PyInterpreter;
}

namespace tracejet {

/// Throws Error where the operator's meta kernel gives other sizes, strides, dtypes or devices than its shape rule
/// gave. Says nothing of calls with symbolic sizes, nor of operators without a meta kernel.
void check_rule(const Call& call, const std::vector<OutputMeta>& by_rule, c10::impl::PyInterpreter* python);

}  // namespace tracejet
