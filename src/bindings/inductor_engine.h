#pragma once

#include <memory>

#include <torch/csrc/utils/pybind.h>

#include "engines/engine.h"

namespace tracejet::python {

/// AOTInductor. `adapter` compiles, in Python: see tracejet.engines.inductor.engine.Inductor. What it compiled runs
/// without Python.
std::shared_ptr<const Engine> make_inductor_engine(const py::object& adapter);

}  // namespace tracejet::python
