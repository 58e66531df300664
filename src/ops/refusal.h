#pragma once

#include <string>
#include <utility>

#include <c10/core/SymBool.h>
#include <c10/core/SymInt.h>

#include "base/error.h"
#include "symbolic/sym_node.h"

/// How shape rules refuse a call that eager PyTorch would refuse, too. Who runs a rule knows the operator and the place
/// in the program, and puts them before the message. Messages are functions: they are only put together when needed.
namespace tracejet {

/// "self is [2, 3, 4], expected 2 axes"
[[noreturn]] inline void refuse(const std::string& why) { throw ShapeError(why); }

template <typename Message>
void require(bool holds, Message&& otherwise) {
  if (!holds) refuse(std::forward<Message>(otherwise)());
}

/// Requires what eager refuses the call without. Where ranges don't decide it, a condition on symbolic sizes becomes a
/// guard, one that only sizes of 0 and 1 can fail or that depends on data is checked when the program runs.
template <typename Message>
void require(const c10::SymBool& condition, Message&& otherwise) {
  require(symbolic::require(condition), std::forward<Message>(otherwise));
}

/// Requires that two sizes are equal.
template <typename Message>
void require_equal_sizes(const c10::SymInt& a, const c10::SymInt& b, Message&& otherwise) {
  require(a.sym_eq(b), std::forward<Message>(otherwise));
}

}  // namespace tracejet
