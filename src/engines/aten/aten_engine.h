#pragma once

#include <memory>
#include <string_view>

#include "engines/engine.h"

namespace tracejet::aten {

inline constexpr std::string_view kName = "aten";
inline constexpr std::string_view kOwnSettings[] = {"cuda_graphs", "max_cuda_graphs", "skipped_passes"};

/// PyTorch's own kernels, called one after the other.
std::shared_ptr<const Engine> make_engine();

}  // namespace tracejet::aten
