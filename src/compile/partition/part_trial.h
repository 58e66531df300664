#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compile/partition/plan.h"
#include "engines/engine.h"
#include "report/unsupported.h"

namespace tracejet {

/// What an engine gets wrong of a part.
struct TrialFinding {
  std::string text;                ///< for people
  std::vector<Unsupported> nodes;  ///< of the part's graph; empty where no call is known to be at fault
  bool leaves_to_others = false;   ///< the next engine has to run these nodes, or the part where none are known
};

/// Tries the parts of a program before it is used. See CompileSettings::verify, and verify/part_verifier.h.
/// Throws VerificationError where a finding is to be an error.
class PartTrial {
 public:
  virtual ~PartTrial() = default;

  /// Before a part is built.
  virtual std::optional<TrialFinding> before(const PartitionPlan& plan, size_t part) = 0;
  virtual std::optional<TrialFinding> after(const PartitionPlan& plan, size_t part, const Executable& built) = 0;
  /// What it couldn't try, in words.
  virtual std::vector<std::string> notes() const = 0;
};

}  // namespace tracejet
