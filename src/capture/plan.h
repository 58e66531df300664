#pragma once

#include <memory>
#include <optional>
#include <unordered_map>

#include <ATen/core/dispatch/Dispatcher.h>

#include "ops/operator.h"
#include "symbolic/asker.h"
#include <tracejet/decompositions.h>

namespace tracejet {

/// What a trace does with an operator, and what it needs to know of it for that.
struct Plan {
  OpAction action = OpAction::kKeep;
  /// Made of other operators by ATen. One that is recorded or decomposed here must be caught before autograd expands
  /// it.
  bool composite = false;
  /// Writes to arguments.
  bool is_mutable = false;
  /// Of ATen's, with numbers of any type among its arguments, and always the same for the same ones.
  bool takes_numbers = false;
  /// Writes to arguments, and ATen's functionalization doesn't know how to do without: a custom operator.
  bool needs_auto_functionalize = false;
  /// Of an operator that writes to its first argument, the one that gives the result anew, where it has a shape rule.
  std::optional<c10::OperatorHandle> out_of_place;
  const Operator* entry = nullptr;  ///< null where the operator table has none
  const DecompositionTable::Function* replacement = nullptr;
  OpAction otherwise = OpAction::kKeep;  ///< where the replacement doesn't want the call
  bool is_slow = false;                  ///< the replacement is
  /// Whose questions those are that its code asks. What an operator of PyTorch's asks of sizes is its own concern: what
  /// it computes is right whatever the answer. Not so where the answer goes to the model (`is_same_size`), nor where
  /// the code is the model's (a custom operator).
  enum class Asker { kPyTorch, kWhoeverCalls, kItself };
  Asker asker = Asker::kItself;
};

/// Whose questions those are that an operator's code asks.
symbolic::Asker asker_in(const Plan& plan);

/// The plans that follow from a decomposition table, made as operators are met: they may be registered at any time.
class Plans {
 public:
  explicit Plans(DecompositionTable table) : table_(std::move(table)) {}

  const Plan& of(const c10::OperatorHandle& op);

 private:
  const DecompositionTable table_;
  std::unordered_map<c10::OperatorHandle, Plan> plans_;
};

/// Those of a set as it is are kept for the thread's next trace.
std::shared_ptr<Plans> plans_for(const DecompositionTable& table);

/// `aten::view` with sizes.
bool is_view(const c10::OperatorHandle& op);
/// `aten::as_strided`, and what writes through it. Both read their first argument's memory by strides.
bool is_as_strided(const c10::OperatorHandle& op);
bool is_as_strided_scatter(const c10::OperatorHandle& op);

}  // namespace tracejet
