#pragma once

#include <memory>

#include "symbolic/expression.h"

namespace torch {
struct CapturedTraceback;
}

namespace tracejet::symbolic {

/// The Python line (and C++ frames) that asked; symbolized only when somebody prints it.
using Location = torch::CapturedTraceback;

/// Something that was assumed while tracing because the ranges didn't decide it.
struct Guard {
  enum class Kind {
    kRelation,        ///< Control flow depended on `condition`; it held for the traced example.
    kGeneralSize,     ///< As kRelation, but it holds for all sizes except 0 and 1: the example stands for those too.
    kSpecialization,  ///< A number was asked for (`int(s)`, `range(s)`): condition is `s == its hint`.
    kAssertion,       ///< The model says so (`torch._check`); to be checked when the program runs.
  };
  Condition condition;  ///< Holds for the traced example (or, for an assertion on unbacked symbols, is promised).
  Kind kind = Kind::kRelation;
  std::shared_ptr<const Location> where;  ///< Null where nobody could tell.
};

}  // namespace tracejet::symbolic
