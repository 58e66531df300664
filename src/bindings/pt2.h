#pragma once

#include <torch/csrc/utils/pybind.h>

namespace tracejet {

void bind_pt2(pybind11::module_& module);

}  // namespace tracejet
