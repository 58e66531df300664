#pragma once

#include <cstdint>

#include "base/error.h"

namespace tracejet::symbolic {

/// What goes beyond a StepLimit throws this.
class TooManySteps : public Error {
 public:
  using Error::Error;
};

/// Bounds the work of symbolic arithmetic on this thread while it lives. A step is an operand of a node that is made,
/// so that the count follows the time and is the same in every run.
///
/// Inside of another one the tighter limit counts. Who looks for something that may as well stay unknown (a bound, an
/// answer) catches what is thrown.
class StepLimit {
 public:
  /// What one operation of the model's code on sizes may take: about a second, and some thousand times the usual.
  static constexpr uint64_t kOperation = 4'000'000;
  static constexpr uint64_t kDecision = 100'000;
  static constexpr uint64_t kBound = 20'000;

  explicit StepLimit(uint64_t steps);
  StepLimit(const StepLimit&) = delete;
  StepLimit& operator=(const StepLimit&) = delete;
  ~StepLimit();

 private:
  uint64_t& limit_;  ///< of the thread
  uint64_t before_;
};

/// How many steps this thread has done.
uint64_t steps_done();
/// Counts them; throws where that is more than a StepLimit allows.
void count_steps(uint64_t steps);

}  // namespace tracejet::symbolic
