#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <torch/csrc/utils/pybind.h>

namespace tracejet::python {

struct CallArguments {
  py::tuple args;
  py::dict kwargs;
};

/// A call's arguments as Python passes them: by position, and by keyword where the schema says so.
CallArguments call_arguments(const c10::OperatorHandle& op, c10::ArrayRef<c10::IValue> arguments);

/// What a Python function returned in the place of an operator, as the schema's returns.
/// Throws UnsupportedOperator where it is something else.
torch::jit::Stack call_results(const c10::OperatorHandle& op, const py::object& result);

}  // namespace tracejet::python
