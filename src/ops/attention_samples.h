#pragma once

#include "ops/samples.h"

namespace tracejet::samples::attention {

Stacks scaled_dot_product_attention();
Stacks flash_attention_for_cpu();

}  // namespace tracejet::samples::attention
