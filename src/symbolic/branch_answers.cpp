#include "symbolic/branch_answers.h"

#include <utility>

namespace tracejet::symbolic {

namespace {

thread_local BranchAnswers* current_answers = nullptr;

}  // namespace

BranchAnswers* BranchAnswers::current() { return current_answers; }

void BranchAnswers::begin() {
  before_ = std::exchange(current_answers, this);
  counts_ = true;
}

void BranchAnswers::end() {
  if (counts_) current_answers = before_;
  counts_ = false;
}

std::optional<bool> BranchAnswers::given(const Condition& condition) const {
  if (given_.empty()) return std::nullopt;
  if (const auto found = given_.find(condition.str()); found != given_.end()) return found->second;
  const auto opposite = given_.find(logical_not(condition).str());
  return opposite == given_.end() ? std::nullopt : std::optional(!opposite->second);
}

std::optional<BranchAnswers::DataAnswer> BranchAnswers::next_data_answer() {
  const size_t question = asked_++;
  return question < data_.size() ? std::optional(data_[question]) : std::nullopt;
}

}  // namespace tracejet::symbolic
