#pragma once

#include <optional>
#include <span>
#include <string_view>

#include <ATen/core/ivalue.h>

namespace tracejet::torchscript {

/// A number that a trace (torch.jit.trace) has made an int64 tensor of is one again.
c10::IValue unwrapped(const c10::IValue& value);

/// What TorchScript's operator (`aten::floordiv`, by its last part) gives for numbers of which at least one is
/// symbolic. Nothing where it is none of arithmetic, or the arguments are something else.
std::optional<c10::IValue> compute(std::string_view op, std::span<const c10::IValue> arguments);

}  // namespace tracejet::torchscript
