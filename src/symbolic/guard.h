#pragma once

#include <string>
#include <vector>

#include "base/location.h"
#include "symbolic/expression.h"

namespace tracejet::symbolic {

/// Something that was assumed while tracing because the ranges didn't decide it.
struct Guard {
  enum class Kind {
    kRelation,        ///< Control flow depended on `condition`; it held for the traced example.
    kZeroOne,         ///< PyTorch asked; only sizes of 0 and 1 can differ, which its way for all sizes serves too.
    kRequirement,     ///< As kZeroOne, but where it doesn't hold, eager refuses the call: to be checked in a run.
    kSizeBranch,      ///< As kZeroOne, but the model's code asked: at sizes 0 and 1 it may go another way.
    kSpecialization,  ///< A number was asked for (`int(s)`, `range(s)`): condition is `s == its hint`.
    kAssertion,       ///< The model says so (`torch._check`); to be checked when the program runs.
    kInBranch,        ///< An assertion that a branch of control flow makes for itself, and checks there.
  };
  Condition condition;  ///< Holds for the traced example (or, for an assertion on unbacked symbols, is promised).
  Kind kind = Kind::kRelation;
  std::vector<Location> where;  ///< The lines that asked, each once, the first first.
  std::string op = {};          ///< Of a requirement: the operator that can't do without.
};

}  // namespace tracejet::symbolic
