#pragma once

#include <map>
#include <string>
#include <vector>

#include "ir/tensor_meta.h"
#include "symbolic/expression.h"

namespace tracejet {

/// The inputs' axes that each symbol is the size of: "batch" -> "x[0]", "mask[0]".
using SymbolAxes = std::map<std::string, std::vector<std::string>>;

/// Adds the axes of one input.
void add_axes(SymbolAxes& axes, const std::string& input, const TensorMeta& meta);

/// A condition in the words of the caller: "x[1] % 12 == 0", where the symbol is called otherwise.
std::string in_words(const symbolic::Condition& condition, const SymbolAxes& axes);

}  // namespace tracejet
