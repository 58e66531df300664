#include "capture/shape_report.h"

#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include "capture/tracer.h"

namespace tracejet {

namespace py = pybind11;

namespace {

/// By the name of a size: (min, max, the traced size, the name of the size that it has to equal).
py::dict corrections_of(const symbolic::Diagnosis& diagnosis) {
  py::dict corrections;
  for (const auto& [symbol, range, same_as] : diagnosis.corrections) {
    corrections[py::str(symbol.name)] =
        py::make_tuple(range.min, range.max, symbol.hint, diagnosis.corrections[same_as].symbol.name);
  }
  return corrections;
}

/// What a trace has assumed of its sizes, also where it failed on the way.
py::tuple report(const Tracer& tracer, bool asserts, std::unordered_set<size_t> harmless) {
  const auto diagnosis = symbolic::diagnose(tracer.shapes(), {asserts, std::move(harmless)});
  return py::make_tuple(report_shapes(*tracer.graph(), diagnosis, tracer.symbol_axes()), corrections_of(diagnosis));
}

}  // namespace

void bind_shape_report(py::module_& module) {
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
  py::class_<ShapeProblem>(module, "ShapeProblem", "What keeps sizes from varying as declared.")
      .def_readonly("kind", &ShapeProblem::kind)
      .def_readonly("condition", &ShapeProblem::condition)
      .def_readonly("axes", &ShapeProblem::axes)
      .def_readonly("forces", &ShapeProblem::forces)
      .def_readonly("fix", &ShapeProblem::fix)
      .def_readonly("lines", &ShapeProblem::lines);
  py::class_<ShapeReport>(module, "ShapeReport", "All that a trace has assumed of its sizes.")
      .def_readonly("problems", &ShapeReport::problems)
      .def_readonly("guards", &ShapeReport::guards)
      .def("__str__", [](const ShapeReport& self) { return describe(self.problems); });
  module.def("report_shapes", &report, py::arg("tracer"), py::arg("prefer_deferred_runtime_asserts_over_guards"),
             py::arg("harmless"), "The report of a trace, finished or not, and the sizes that it would hold for.");
}

}  // namespace tracejet
