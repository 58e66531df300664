#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "frontends/model_trace.h"

namespace tracejet {

/// How many more traces may be made for proofs. What they would have shown counts as a difference.
struct ProofBudget {
  int small_sizes = 8;  ///< for branches that only sizes of 0 and 1 take
  int branches = 8;     ///< for all others
};

using Trace = std::shared_ptr<const ModelTrace>;
using Guards = std::unordered_set<size_t>;  ///< indices into Context::guards()

/// What came of a trace that may fail.
struct Attempt {
  std::shared_ptr<ModelTrace> trace;
  std::optional<Failure> failure;

  bool succeeded() const { return !failure.has_value(); }
};

/// Traces one model any number of times.
///
/// A trace goes one way wherever the model's code asks something of its sizes or data. The model is traced the other
/// ways, too, without data, and the programs are compared: an answer that makes no difference needn't be asserted.
class Traces {
 public:
  Traces(Frontend& frontend, std::vector<ModelInput> inputs, TraceSettings settings)
      : frontend_(frontend), inputs_(std::move(inputs)), settings_(std::move(settings)) {}
  Traces(const Traces&) = delete;
  Traces& operator=(const Traces&) = delete;

  Frontend& frontend() const { return frontend_; }
  const std::vector<ModelInput>& inputs() const { return inputs_; }
  ProofBudget& budget() { return budget_; }

  /// A trace that hasn't run yet.
  std::shared_ptr<ModelTrace> make(Variation variation = {}) {
    return std::make_shared<ModelTrace>(frontend_, settings_, inputs_, std::move(variation));
  }
  /// A trace that has run. Throws what ended it, as attempt() does where its second call differs.
  Trace run(Variation variation);
  Attempt attempt(Variation variation);
  /// What a call leaves behind in the code's own variables mustn't show in the next one: no program would keep it.
  /// Throws UnsupportedOperator where it does, or what ends the second call.
  void check_second_call(const ModelTrace& trace);
  /// What became of `work`; nothing where it did what it should. Throws on what has nothing to do with a trace.
  std::optional<Failure> failure_of(const std::function<void()>& work) const;

 private:
  Frontend& frontend_;
  const std::vector<ModelInput> inputs_;
  TraceSettings settings_;
  ProofBudget budget_;
};

/// A trace that is right whichever way the data go at the model's branches on them; null where none is known to be.
/// `failed` is one that has failed because of such a branch.
Trace trace_for_all_data(Traces& traces, const ModelTrace& failed);

/// `first`, or a trace that relies on as few branches as can be shown to make no difference.
Trace trace_for_all_branches(Traces& traces, Trace first);

/// Sizes of 0 and 1 that the model refuses itself, and eager with it: all of these together.
struct RefusedSizes {
  std::map<std::string, int64_t> sizes;  ///< by dimension
  size_t guard;                          ///< that asked for one of them first
};

/// What becomes of a model's branches that only sizes of 0 and 1 take.
struct SmallSizes {
  Guards harmless;  ///< those that make no difference at any size that was declared, but for the following
  std::vector<RefusedSizes> refused;
};
SmallSizes judge_small_sizes(Traces& traces, const ModelTrace& trace);

}  // namespace tracejet
