#pragma once

#include <vector>

#include "ir/call.h"

namespace tracejet {

/// The shape rule of linalg_lstsq.
std::vector<TensorMeta> least_squares(const Call& call);

}  // namespace tracejet
