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

StepLimit::StepLimit(uint64_t steps) : limit_(steps_of_thread.limit), before_(limit_) {
  limit_ = std::min(before_, steps_of_thread.done + steps);
}

StepLimit::~StepLimit() { limit_ = before_; }

uint64_t steps_done() { return steps_of_thread.done; }

void count_steps(uint64_t steps) {
  Steps& counted = steps_of_thread;
  counted.done += steps;
  if (counted.done <= counted.limit) return;
  throw TooManySteps(
      "simplifying a size takes too many steps: it depends on dynamic axes in too many ways; declare one of them "
      "static");
}

}  // namespace tracejet::symbolic
