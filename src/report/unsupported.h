#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace tracejet {

/// Enough of the model's lines to find the pattern: a model with fifty layers repeats itself.
inline constexpr size_t kLinesShown = 3;

/// A node that an engine can't take, and why: "computes in complex numbers".
struct Unsupported {
  const Node* node;
  std::string reason;
};

/// The tensors that a node takes and gives, as "float32[batch, 8]".
std::vector<std::string> tensors_taken(const Node& node);
std::vector<std::string> tensors_given(const Node& node);

/// The message of an error that lists them all, those of one kind together, with lines of the model.
std::string report(const Graph& graph, const std::vector<Unsupported>& unsupported, std::string_view engine);
/// The same of nodes that an engine takes, but may compute otherwise; empty where there are none.
std::string report_warnings(const Graph& graph, const std::vector<Unsupported>& warnings, std::string_view engine);

}  // namespace tracejet
