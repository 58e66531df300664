#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "symbolic/expression.h"

namespace tracejet::symbolic {

/// The branches of the model's own code that sizes decide, in one trace: which way each goes that the declared ranges
/// leave open. One that is given an answer takes it without a guard, so the trace holds for the sizes that go this way
/// and for those where the other way comes to the same.
class ForcedBranches {
 public:
  struct Branch {
    Condition condition;
    bool answer;
    size_t guard;  ///< index into Context::guards()
  };

  /// A branch on data (`if mask.any():`) that is told which way to go. Where it is asserted, the program refuses data
  /// that goes the other way.
  struct DataAnswer {
    bool answer;
    bool is_asserted;
  };

  /// `given`: answers by the text of the condition. `data`: those of branches on data, in the order of the questions.
  explicit ForcedBranches(std::map<std::string, bool> given = {}, std::vector<DataAnswer> data = {})
      : given_(std::move(given)), data_(std::move(data)) {}
  ForcedBranches(const ForcedBranches&) = delete;
  ForcedBranches& operator=(const ForcedBranches&) = delete;
  ~ForcedBranches() { end(); }

  /// Those that count on this thread; null where none do.
  static ForcedBranches* current();
  /// Makes them the ones that count on this thread, and no longer.
  void begin();
  void end();

  std::optional<bool> given(const Condition& condition) const;
  /// The answer to the next question about data; nothing where the model asks more than it was told to be answered.
  std::optional<DataAnswer> next_data_answer();
  bool has_open_data_branch() const { return asked_ > data_.size(); }
  /// A branch that went the way of the example.
  void add(Branch branch) { guarded_.push_back(std::move(branch)); }
  const std::vector<Branch>& guarded() const { return guarded_; }

 private:
  std::map<std::string, bool> given_;
  std::vector<DataAnswer> data_;
  size_t asked_ = 0;
  std::vector<Branch> guarded_;
  ForcedBranches* before_ = nullptr;
  bool active_ = false;
};

}  // namespace tracejet::symbolic
