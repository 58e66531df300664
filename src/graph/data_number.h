#pragma once

#include <ATen/core/ivalue.h>

namespace tracejet {

/// Whether this is a symbolic number that hangs on data, so that only the run itself can tell it. Where an output is
/// one, every engine computes it.
bool depends_on_data(const c10::IValue& number);

}  // namespace tracejet
