#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include "ops/operator.h"

namespace tracejet {

/// What a trace does with an operator.
struct Plan {
  enum class Action {
    kRecord,           ///< it becomes a node
    kDecompose,        ///< the table's decomposition runs in its place
    kExpandComposite,  ///< ATen's own composite kernel runs in its place
    kRun,              ///< it runs now: a profiler's mark, of no concern to the program
  };
  Action action = Action::kRecord;
  /// Made of other operators by ATen. One that is recorded or decomposed here must be caught before autograd expands
  /// it.
  bool composite = false;
  /// Writes to arguments.
  bool mutates = false;
  /// Writes to arguments, and ATen's functionalization doesn't know how to do without: a custom operator.
  bool writes = false;
  const Operator* entry = nullptr;  ///< null where the table has none
};

/// `aten::view` with sizes.
bool is_view(const c10::OperatorHandle& op);
/// `aten::as_strided`, and what writes through it. Both read their first argument's memory by strides.
bool is_as_strided(const c10::OperatorHandle& op);
bool is_as_strided_scatter(const c10::OperatorHandle& op);

/// Cached; operators may be registered at any time.
const Plan& plan_of(const c10::OperatorHandle& op);

}  // namespace tracejet
