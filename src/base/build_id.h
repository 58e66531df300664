#pragma once

#include <string>

namespace tracejet {

/// Tells builds of the core apart, also those of one version: what the linker made of its content. Empty where the
/// linker made nothing.
std::string build_id();

}  // namespace tracejet
