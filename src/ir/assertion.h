#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "symbolic/expression.h"

namespace tracejet {

/// A condition that a program checks when it runs.
struct RuntimeAssertion {
  symbolic::Condition condition;
  std::string message;
};

/// What a node asserts; nullopt for any other node.
std::optional<RuntimeAssertion> assertion_of(const Node& node);

/// Whether an operator says something of numbers, that the trace takes for granted and the program checks: what
/// `torch._check` becomes in a program of torch.export's. Its functional forms return their `dep_token`.
bool is_constraint_op(const c10::OperatorHandle& op);

/// The message of an assertion that data go the way that a trace was told to take at a branch.
inline constexpr const char* kDataBranch = "the data go another way at a branch of the model";

/// The ids of the data-dependent numbers that a node gives: the result of `.item()`, the length of a nonzero.
std::vector<uint64_t> unbacked_symbols_from(const Node& node);

}  // namespace tracejet
