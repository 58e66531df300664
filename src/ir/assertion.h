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

/// The message of an assertion that data go the way that a trace was told to take at a branch.
inline constexpr const char* kDataBranch = "the data go another way at a branch of the model";

/// The ids of the data-dependent numbers that a node gives: the result of `.item()`, the length of a nonzero.
std::vector<uint64_t> unbacked_symbols_from(const Node& node);

}  // namespace tracejet
