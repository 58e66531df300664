#pragma once

#include <torch/csrc/utils/pybind.h>

namespace tracejet {

void bind_engine_cache(pybind11::module_& module);

}  // namespace tracejet
