#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include <tracejet/report.h>

namespace tracejet {

namespace py = pybind11;

void bind_report(py::module_& module) {
  py::class_<ModelLine>(module, "ModelLine", "A line of the model that asked something of a size.")
      .def_readonly("file", &ModelLine::file)
      .def_readonly("line", &ModelLine::line)
      .def_readonly("function", &ModelLine::function)
      .def_readonly("text", &ModelLine::text)
      .def_readonly("module_path", &ModelLine::module_path)
      .def_readonly("module_type", &ModelLine::module_type);
  py::class_<ReportedGuard>(module, "ReportedGuard", "Something that was assumed of sizes, and what became of it.")
      .def_readonly("condition", &ReportedGuard::condition)
      .def_readonly("verdict", &ReportedGuard::verdict)
      .def_readonly("lines", &ReportedGuard::lines);
  py::class_<ShapeProblem>(module, "ShapeProblem", "What keeps sizes from varying as declared, or ended the trace.")
      .def_readonly("kind", &ShapeProblem::kind)
      .def_readonly("condition", &ShapeProblem::condition)
      .def_readonly("axes", &ShapeProblem::axes)
      .def_readonly("forces", &ShapeProblem::forces)
      .def_readonly("fix", &ShapeProblem::fix)
      .def_readonly("lines", &ShapeProblem::lines);
  py::class_<SuggestedDimension>(module, "SuggestedDimension", "How a dynamic dimension would have to be declared.")
      .def_readonly("min", &SuggestedDimension::min)
      .def_readonly("opt", &SuggestedDimension::opt)
      .def_readonly("max", &SuggestedDimension::max)
      .def_readonly("traced", &SuggestedDimension::traced)
      .def_readonly("same_as", &SuggestedDimension::same_as);
  py::class_<Report>(module, "Report", "Everything that a trace found out about the sizes of its inputs.")
      .def_readonly("problems", &Report::problems)
      .def_readonly("guards", &Report::guards)
      .def_readonly("suggested_dimensions", &Report::suggested_dimensions)
      .def("__str__", &Report::str);
}

}  // namespace tracejet
