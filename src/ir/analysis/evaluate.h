#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "ir/graph.h"

namespace tracejet {

/// The data of a value, on a CPU; nothing where it isn't known.
using KnownData = std::function<std::optional<at::Tensor>(const Value&)>;
/// A constant argument without symbols in it; nothing where they aren't known.
using KnownNumbers = std::function<std::optional<c10::IValue>(const c10::IValue&)>;

/// Whether a call has no effects and isn't random, initializes its results and runs no subgraphs.
bool can_evaluate(const Node& node);

/// Runs a call on a CPU: one tensor per output that is one. Nothing where an operand isn't known, or the call is
/// random or leaves its result uninitialized.
std::optional<std::vector<at::Tensor>> evaluate(const Node& node, const KnownData& data, const KnownNumbers& numbers);

}  // namespace tracejet
