#pragma once

#include "ir/passes/pass.h"

namespace tracejet::aten {

/// Products whose results have rows of an odd length (a vocabulary of 50257) with columns of zeros besides, up to a
/// length that tensor cores' kernels take; they are cut off afterwards, by a copy. In half precision, for enough rows.
void pad_products(Graph& graph);

inline constexpr Pass kPadProducts{"pad_products", pad_products};

}  // namespace tracejet::aten
