#pragma once

#include <ATen/core/ivalue.h>

namespace tracejet {

/// Whether this is a data-dependent (unbacked) symbolic number. Where an output is one, every engine computes it.
bool depends_on_data(const c10::IValue& number);

}  // namespace tracejet
