#pragma once

#include <memory>

#include <torch/csrc/utils/pybind.h>

#include "engines/engine.h"

namespace tracejet::python {

/// An engine that is written in Python. `adapter`: see tracejet.api.engine.Adapter. Python is held while it is asked,
/// and while what it compiled runs; what it raises comes through as it is.
std::shared_ptr<const Engine> make_engine(const py::object& adapter);

/// Runs a function in Python, and checks what it gives against the graph's outputs.
std::unique_ptr<Executable> make_executable(std::string engine, std::shared_ptr<const Graph> graph, py::object run);

}  // namespace tracejet::python
