#include "symbolic/steps.h"

#include <algorithm>
#include <limits>

namespace tracejet::symbolic {
namespace {

struct Steps {
  uint64_t done = 0;
  uint64_t limit = std::numeric_limits<uint64_t>::max();
};
thread_local Steps steps_of_thread;

}  // namespace

StepLimit::StepLimit(uint64_t steps) : before_(steps_of_thread.limit) {
  steps_of_thread.limit = std::min(before_, steps_of_thread.done + steps);
}

StepLimit::~StepLimit() { steps_of_thread.limit = before_; }

uint64_t steps_done() { return steps_of_thread.done; }

void count_steps(uint64_t steps) {
  steps_of_thread.done += steps;
  if (steps_of_thread.done <= steps_of_thread.limit) return;
  throw TooManySteps(
      "simplifying a size takes too many steps: it depends on dynamic axes in too many ways; declare one of them "
      "static");
}

}  // namespace tracejet::symbolic
