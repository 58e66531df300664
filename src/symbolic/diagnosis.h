#pragma once

#include <unordered_set>
#include <vector>

#include "symbolic/context.h"

namespace tracejet::symbolic {

/// What becomes of a guard once the trace is complete.
enum class Verdict {
  kProven,     ///< It holds at every size that was declared.
  kGeneral,    ///< PyTorch's general way, which was taken, is right at sizes 0 and 1 too.
  kAsserted,   ///< It is checked when the program runs.
  kViolation,  ///< It keeps a size from varying as declared.
};

/// One thing that keeps sizes from varying as declared.
struct Problem {
  enum class Kind {
    kFixedSize,      ///< The symbol must be `range.min`.
    kEqualSizes,     ///< The symbols must be equal.
    kNarrowerRange,  ///< The symbol must be in `range`.
    kRelation,       ///< `condition` has to hold, which ranges can't say.
    kSizeBranch,     ///< The model takes another way outside of `range`, at sizes of 0 or 1.
  };
  Kind kind;
  Condition condition;          ///< As it was asked for first.
  std::vector<Symbol> symbols;  ///< As declared.
  Range range;
  std::vector<size_t> guards;  ///< Those that together are the cause: indices into Context::guards().
};

/// A declared size as it would have to be declared for the same trace to hold at every size.
struct Correction {
  Symbol symbol;  ///< As declared.
  Range range;
  size_t same_as;  ///< Index of the first symbol that it has to equal; its own where there is none.
};

/// A guard that the program checks when it runs.
struct Assertion {
  Condition condition;
  size_t guard;
};

struct Diagnosis {
  std::vector<Verdict> verdicts;  ///< One per guard.
  std::vector<Problem> problems;  ///< In the order of their first guard.
  std::vector<Assertion> assertions;
  std::vector<Correction> corrections;  ///< One per backed symbol, in the order they were made in.
};

struct DiagnosisOptions {
  /// Relations among sizes are asserted; if not, they are problems.
  bool prefer_deferred_runtime_asserts_over_guards = true;
  /// Guards of kind kSizeBranch that are known not to matter.
  std::unordered_set<size_t> harmless;
};

/// Says which guards the declared ranges prove, which the program can check, and what the others ask for.
Diagnosis diagnose(const Context& context, const DiagnosisOptions& options = {});

/// A size of 0 or 1 at which the model's code may take another way than the one that was traced.
struct SmallSize {
  size_t guard;
  Symbol symbol;
  int64_t size;
};

/// All that guards of kind kSizeBranch leave open: the branch doesn't matter if the model does the same at each of
/// them.
std::vector<SmallSize> small_sizes(const Context& context);

}  // namespace tracejet::symbolic
