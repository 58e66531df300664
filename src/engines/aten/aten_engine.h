#pragma once

#include <memory>

#include "engines/engine.h"

namespace tracejet::aten {

/// PyTorch's own kernels, called one after the other.
std::shared_ptr<const Engine> make_engine();

}  // namespace tracejet::aten
