#pragma once

#include <span>
#include <string_view>

#include <ATen/core/dispatch/Dispatcher.h>

namespace tracejet {

/// Of an operator that computes no elements: how those of its results come from those of its arguments.
struct ElementFlow {
  enum class Order {
    kKept,    ///< all of them, in their order: another shape at most
    kMoved,   ///< all of them, each once, elsewhere
    kPicked,  ///< some of them, any number of times
  };
  Order order;
  /// The arguments that they come from, numbers and lists of tensors among them.
  std::span<const std::string_view> arguments;

  /// Whether they come from one tensor alone, the one that the operator is about.
  bool is_of_self() const {
    return arguments.size() == 1 && (arguments.front() == "self" || arguments.front() == "input");
  }
  bool has_all() const { return order != Order::kPicked; }
};

/// Null for an operator that computes, or of which this isn't known.
const ElementFlow* find_element_flow(const c10::OperatorHandle& op);

}  // namespace tracejet
