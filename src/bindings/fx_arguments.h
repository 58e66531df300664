#pragma once

#include <functional>

#include <torch/csrc/utils/pybind.h>

#include "ir/graph.h"
#include "symbolic/expression.h"

namespace tracejet::python {

/// What arguments of a node become in Python: the fx nodes of values and of symbolic numbers.
struct FxReferences {
  std::function<py::object(const Value&)> value;
  std::function<py::object(const symbolic::Expression&)> number;
};

struct FxArguments {
  py::tuple args;
  py::dict kwargs;
};

/// A node's arguments as PyTorch's exporter writes them: trailing positional arguments and keyword arguments that equal
/// their default are left out.
FxArguments fx_arguments(const Node& node, const FxReferences& references);

/// A constant that isn't part of a call: an output of the program.
py::object fx_constant(const c10::IValue& constant, const FxReferences& references);

}  // namespace tracejet::python
