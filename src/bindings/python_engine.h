#pragma once

#include <memory>

#include <torch/csrc/utils/pybind.h>

#include "engines/engine.h"

namespace tracejet::python {

/// An engine that is written in Python. `adapter`: see tracejet.api.engine.Adapter. Python is held while it is asked,
/// and while what it compiled runs; what it raises comes through as it is.
std::shared_ptr<const Engine> make_engine(const py::object& adapter);

}  // namespace tracejet::python
