#pragma once

#include "capture/tracer.h"

namespace tracejet::python {

/// How Python helps a tracer.
FrontendHooks tracer_hooks();

}  // namespace tracejet::python
