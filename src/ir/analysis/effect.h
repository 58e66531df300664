#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

namespace tracejet {

/// Whether an operator exchanges data with other processes: all of them have to call it, whoever needs the result.
bool communicates(const c10::OperatorHandle& op);

/// Whether a call does more than compute from its arguments (communication, random numbers), so that it can't be left
/// out, and its result isn't known before the program runs.
bool has_effect(const c10::OperatorHandle& op);

}  // namespace tracejet
