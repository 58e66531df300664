#pragma once

#include <ATen/core/ivalue.h>
#include <torch/csrc/utils/pybind.h>

namespace tracejet::python {

/// A tensor or a plain number; None for anything else.
py::object to_python(const c10::IValue& value);
/// The same back; None for anything else.
c10::IValue from_python(py::handle object);

}  // namespace tracejet::python
