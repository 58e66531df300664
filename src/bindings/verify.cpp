#include "verify/verify.h"

#include "bindings/bindings.h"
#include "bindings/value_objects.h"
#include "compile/program_runner.h"

namespace tracejet {

namespace py = pybind11;

namespace {

/// Calls a Python function on the user's tensors; it gives a list with one entry per output of the user.
RunProgram runner_of(const py::object& function) {
  return [function](const std::vector<at::Tensor>& inputs) {
    const py::gil_scoped_acquire gil;
    py::list arguments;
    for (const at::Tensor& input : inputs) arguments.append(python::to_python(input));
    std::vector<c10::IValue> results;
    for (const py::handle& result : py::list(function(arguments))) results.push_back(python::from_python(result));
    return results;
  };
}

Verification verify_compiled(const std::shared_ptr<Graph>& graph, const std::shared_ptr<ProgramRunner>& compiled,
                             const std::vector<std::vector<at::Tensor>>& inputs, const VerifyOptions& options,
                             const std::vector<std::string>& names) {
  const py::gil_scoped_release no_gil;
  return verify(graph, subject_of(compiled), inputs, options, names);
}

Verification verify_function(const std::shared_ptr<Graph>& graph, const py::object& function,
                             const std::vector<std::vector<at::Tensor>>& inputs, const VerifyOptions& options,
                             const std::vector<std::string>& names) {
  const Subject subject{"the function", runner_of(function)};
  const py::gil_scoped_release no_gil;
  return verify(graph, subject, inputs, options, names);
}

}  // namespace

void bind_verify(py::module_& module) {
  py::class_<VerifyOptions>(module, "VerifyOptions")
      .def(py::init([](std::vector<std::string> sizes, std::optional<double> tolerance, uint64_t seed) {
             return VerifyOptions{std::move(sizes), tolerance, seed};
           }),
           py::kw_only(), py::arg("sizes"), py::arg("tolerance"), py::arg("seed"));
  py::class_<VerifiedOutput>(module, "VerifiedOutput")
      .def_readonly("name", &VerifiedOutput::name)
      .def_readonly("is_equal", &VerifiedOutput::is_equal)
      .def_readonly("absolute_error", &VerifiedOutput::absolute_error)
      .def_readonly("relative_error", &VerifiedOutput::relative_error)
      .def_readonly("problem", &VerifiedOutput::problem);
  py::class_<VerifiedRun>(module, "VerifiedRun")
      .def_readonly("name", &VerifiedRun::name)
      .def_readonly("dimensions", &VerifiedRun::dimensions)
      .def_readonly("outputs", &VerifiedRun::outputs)
      .def_readonly("failure", &VerifiedRun::failure)
      .def_readonly("amplifies_rounding", &VerifiedRun::amplifies_rounding)
      .def_property_readonly("ok", &VerifiedRun::ok);
  py::class_<DifferingCall>(module, "DifferingCall")
      .def_readonly("op", &DifferingCall::op)
      .def_readonly("value", &DifferingCall::value)
      .def_readonly("where", &DifferingCall::where)
      .def_readonly("file", &DifferingCall::file)
      .def_readonly("line", &DifferingCall::line)
      .def_readonly("problem", &DifferingCall::problem);
  py::class_<Verification>(module, "Verification")
      .def_readonly("engine", &Verification::engine)
      .def_readonly("runs", &Verification::runs)
      .def_readonly("first", &Verification::first)
      .def("__str__", &Verification::str);
  const auto* doc = "Holds what was compiled against eager's kernels: see tracejet.verify.";
  module.def("verify", &verify_compiled, py::arg("graph"), py::arg("compiled"), py::arg("inputs"), py::arg("options"),
             py::arg("output_names"), doc);
  module.def("verify", &verify_function, py::arg("graph"), py::arg("function"), py::arg("inputs"), py::arg("options"),
             py::arg("output_names"), doc);
}

}  // namespace tracejet
