#pragma once

#include <optional>

#include "ir/graph.h"

namespace tracejet::aten {

/// An operator that computes rows, along the last axis, from sums or maxima over them, or from elements elsewhere in
/// the row.
enum class RowOp { kLayerNorm, kRmsNorm, kSoftmax, kSum, kMean, kMax, kRotateHalf };

/// nullopt for an operator, or a call of one, that kernels aren't written for: those along other axes, or rows of a
/// length that is unknown or too long for one block of threads.
std::optional<RowOp> row_op(const Node& node);

/// The tensor whose rows it is about.
const Value& rows_of(const Node& node);

}  // namespace tracejet::aten
