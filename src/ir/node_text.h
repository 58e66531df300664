#pragma once

#include <string>

#include "ir/graph.h"

namespace tracejet {

/// "%3"; "None" for null.
std::string name_of(const Value* value);
/// "%3: float32[batch, 8]"
std::string definition_of(const Value* value);
/// "%3", "[%3, %4]", or a constant.
std::string text_of(const Argument& argument);
/// For people, in one line: what a node gives, its operator, its arguments.
std::string text_of(const Node& node);

}  // namespace tracejet
