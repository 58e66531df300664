#pragma once

#include "engines/aten/interpreter.h"
#include "engines/engine.h"

namespace tracejet {

/// Eager PyTorch's own kernels: other engines are held against them, and they take what those refuse.
const Engine& reference_engine();

/// What it computes can be looked at call by call.
using aten::Observe;
using aten::run_observed;

}  // namespace tracejet
