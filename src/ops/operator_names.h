#pragma once

#include <string_view>

#include <ATen/core/dispatch/Dispatcher.h>

namespace tracejet {

/// "aten::add.Tensor" in its two parts.
c10::OperatorName parse_operator_name(std::string_view name);
/// Throws InvalidInput where PyTorch has no such operator, and names those that may be meant.
c10::OperatorHandle operator_named(std::string_view name);
/// Whether it has to be expanded or kept before autograd and functionalization see it: what ATen makes of other
/// operators, and a few whose schemas hide what they do.
bool is_composite(const c10::OperatorHandle& op);

}  // namespace tracejet
