#include "symbolic/forced_branches.h"

#include <utility>

namespace tracejet::symbolic {

namespace {

thread_local ForcedBranches* current_answers = nullptr;

}  // namespace

ForcedBranches* ForcedBranches::current() { return current_answers; }

void ForcedBranches::begin() {
  before_ = std::exchange(current_answers, this);
  active_ = true;
}

void ForcedBranches::end() {
  if (active_) current_answers = before_;
  active_ = false;
}

std::optional<bool> ForcedBranches::given(const Condition& condition) const {
  if (given_.empty()) return std::nullopt;
  if (const auto found = given_.find(condition.str()); found != given_.end()) return found->second;
  const auto opposite = given_.find(logical_not(condition).str());
  return opposite == given_.end() ? std::nullopt : std::optional(!opposite->second);
}

std::optional<ForcedBranches::DataAnswer> ForcedBranches::next_data_answer() {
  const size_t question = asked_++;
  return question < data_.size() ? std::optional(data_[question]) : std::nullopt;
}

}  // namespace tracejet::symbolic
