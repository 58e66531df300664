#pragma once

#include <torch/csrc/utils/pybind.h>

#include "frontends/model_input.h"

namespace tracejet::python {

/// An object of tracejet.frontend.input.Input: what it says of shapes.
Input to_input(const py::handle& object);

/// An object of tracejet.frontend.binding.Leaf.
ModelInput to_model_input(const py::handle& leaf);

}  // namespace tracejet::python
