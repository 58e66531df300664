#pragma once

#include <string_view>

namespace tracejet::engine_names {

// Those that settings belong to. Everything else learns an engine's name by asking it.
inline constexpr std::string_view kAten = "aten";
inline constexpr std::string_view kTensorRT = "tensorrt";

}  // namespace tracejet::engine_names
