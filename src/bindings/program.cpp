#include "bindings/bindings.h"
#include "bindings/fx_builder.h"

namespace tracejet {

void bind_program(py::module_& module) {
  using python::FxBuilder;
  py::class_<FxBuilder>(module, "FxBuilder", "Writes a Graph as fx nodes; see fx_writer.Writer for its other half.")
      .def(py::init<std::shared_ptr<Graph>, py::object>(), py::arg("graph"), py::arg("writer"))
      .def("value", &FxBuilder::value, py::arg("value"), py::arg("requires_grad") = false,
           "The meta['val'] of an input.")
      .def("define", &FxBuilder::define, py::arg("value"), py::arg("node"))
      .def("add_nodes", &FxBuilder::add_nodes, py::arg("note") = py::none())
      .def("node", &FxBuilder::node, py::arg("value"))
      .def("output", &FxBuilder::output, py::arg("output"));
}

}  // namespace tracejet
