#pragma once

#include <span>
#include <string>
#include <unordered_set>

#include "capture/constraints.h"
#include "capture/scopes.h"
#include "symbolic/diagnosis.h"
#include "symbolic/guard.h"

namespace tracejet {

/// What a trace has assumed of sizes, and what the program therefore checks when it runs.
class TraceGuards {
 public:
  explicit TraceGuards(const Scopes& scopes) : scopes_(scopes) {}
  TraceGuards(const TraceGuards&) = delete;
  TraceGuards& operator=(const TraceGuards&) = delete;

  /// The axes of an input are what errors call its symbols.
  void add_input(const std::string& name, const TensorMeta& meta) { add_axes(symbol_axes_, name, meta); }
  const SymbolAxes& symbol_axes() const { return symbol_axes_; }

  /// Says of a number that it is the index of one of `count` runs: nothing that the program has to check.
  void know_index(const c10::SymInt& index, const c10::SymInt& count);
  /// Makes the subgraph at hand check what it relies on. `symbols_around`: how many symbols there were before it.
  void add_assertions_of_subgraph(std::span<const symbolic::Guard> assertions, size_t symbols_around);
  /// Makes the program check what the trace relies on.
  void add_assertions_of_program(const symbolic::DiagnosisOptions& options);

 private:
  const Scopes& scopes_;
  SymbolAxes symbol_axes_;
  std::unordered_set<size_t> of_indices_;  ///< guards that hold by construction
};

}  // namespace tracejet
