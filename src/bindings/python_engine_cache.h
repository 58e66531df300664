#pragma once

#include <memory>

#include <torch/csrc/utils/pybind.h>

#include "tracejet/engine_cache.h"

namespace tracejet::python {

/// A user's engine cache, with the methods of tracejet.BaseEngineCache. What it raises becomes an Error, but for what
/// ends a program (KeyboardInterrupt).
std::shared_ptr<EngineCache> make_engine_cache(py::object cache);

/// The object that make_engine_cache() was given; None for a cache that isn't Python's.
py::object object_of(const EngineCache* cache);

}  // namespace tracejet::python
