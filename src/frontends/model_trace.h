#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "capture/tracer.h"
#include "symbolic/forced_branches.h"

namespace tracejet {

/// How many more traces may be made for proofs. What they would have shown counts as a difference.
struct ProofBudget {
  int small_sizes = 8;  ///< for branches that only sizes of 0 and 1 take
  int branches = 8;     ///< for all others
};

/// A trace of a model, and the ways to trace the same model again. A frontend derives from it.
///
/// A trace goes one way wherever the model's code asks something of its sizes. The model is traced the other ways, too,
/// without data, and the programs are compared: an answer that makes no difference needn't be asserted.
class ModelTrace {
 public:
  using Branch = symbolic::ForcedBranches::Branch;
  using Answers = std::map<std::string, bool>;  ///< by the text of a branch's condition
  /// Why there is no other trace.
  enum class Failure {
    kRefusedByModel,  ///< eager wouldn't run either
    kUnknown,
  };
  using Again = std::variant<std::shared_ptr<const ModelTrace>, Failure>;

  ModelTrace() = default;
  ModelTrace(const ModelTrace&) = delete;
  ModelTrace& operator=(const ModelTrace&) = delete;
  virtual ~ModelTrace() = default;

  virtual const Tracer& tracer() const = 0;
  virtual const symbolic::ForcedBranches& answers() const = 0;
  /// See DiagnosisOptions.
  virtual bool asserts_relations() const = 0;
  /// Null where the trace failed on the way.
  virtual const Graph* graph() const = 0;
  /// The model with this dimension static.
  virtual Again trace_at(const std::string& dimension, int64_t size) const = 0;
  /// The model with some branches going as they are told, whatever the sizes.
  virtual Again trace_with(const Answers& answers) const = 0;
  /// Whether the model gave results of the same structure, leaving aside what the graphs know of them.
  virtual bool gives_like(const ModelTrace& other) const = 0;

  /// The guards on sizes of 0 and 1 that make no difference at any size that was declared.
  const std::unordered_set<size_t>& harmless_guards(ProofBudget& budget) const;
  /// What keeps sizes from varying as declared, in words, where these guards are harmless.
  std::set<std::string> violated_conditions(const std::unordered_set<size_t>& harmless) const;
  /// The branches that keep the program from holding at every declared size, or that it asserts.
  std::vector<Branch> open_branches() const;

 private:
  std::unordered_set<size_t> guards_on_small_sizes() const;
  bool agrees_at(const std::string& dimension, int64_t size, ProofBudget& budget) const;

  mutable std::optional<std::unordered_set<size_t>> harmless_;
};

/// A trace of the same model that relies on as few branches as can be shown to make no difference.
std::shared_ptr<const ModelTrace> trace_for_all_branches(std::shared_ptr<const ModelTrace> first, ProofBudget& budget);

}  // namespace tracejet
