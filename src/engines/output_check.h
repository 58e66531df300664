#pragma once

#include <string>

#include <c10/util/ArrayRef.h>

#include "engines/runtime_sizes.h"
#include "ir/tensor_meta.h"

namespace tracejet {

/// Throws Error where an engine gave an output another shape than the program says for these sizes of its inputs. Sizes
/// that depend on data may be any.
void check_output_shape(const std::string& engine, size_t output, c10::IntArrayRef given, const TensorMeta& expected,
                        const RuntimeSizes& sizes);

}  // namespace tracejet
