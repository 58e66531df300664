// testing._samples: the samples for the tests in Python.
#include <torch/csrc/utils/pybind.h>

#include "bindings/python_call.h"
#include "ops/operator_names.h"
#include "testing/samples/table.h"

namespace tracejet {

namespace {

std::vector<std::pair<py::tuple, py::dict>> sample_calls(const std::string& op) {
  const c10::OperatorHandle handle = operator_named(op);
  std::vector<std::pair<py::tuple, py::dict>> calls;
  for (const torch::jit::Stack& arguments : samples::samples_of(op)) {
    auto [args, kwargs] = python::call_arguments(handle, arguments);
    calls.emplace_back(std::move(args), std::move(kwargs));
  }
  return calls;
}

}  // namespace

PYBIND11_MODULE(_samples, module) {
  module.def("sample_calls", &sample_calls, py::arg("op"),
             "Arguments of example calls of an operator (\"aten::add.Tensor\"), by position and by keyword.");
}

}  // namespace tracejet
