#pragma once

#include <functional>

#include <ATen/core/jit_type.h>
#include <torch/csrc/utils/pybind.h>

namespace tracejet::python {

/// An argument of an operator as Python has it. dtypes, layouts and memory formats are plain integers in an IValue;
/// only the schema's type (`Argument::real_type`) tells them from numbers. `special` is asked first, for the value and
/// for the elements of lists, and gives an empty object where it has nothing to say.
py::object typed_constant(const c10::IValue& value, const c10::TypePtr& type,
                          const std::function<py::object(const c10::IValue&)>& special);

}  // namespace tracejet::python
