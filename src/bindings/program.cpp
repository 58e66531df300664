#include "frontends/program.h"

#include "bindings/bindings.h"
#include "bindings/fx_builder.h"
#include "bindings/tracer_hooks.h"

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
  module.def(
      "retrace",
      [](const Graph& graph, DecompositionTable decompositions, bool asserts, bool check_rules) {
        return retraced(
            graph,
            {.decompositions = std::move(decompositions), .asserts_relations = asserts, .check_rules = check_rules},
            python::tracer_hooks());
      },
      py::arg("graph"), py::kw_only(), py::arg("decompositions"),
      py::arg("prefer_deferred_runtime_asserts_over_guards"), py::arg("check_rules"),
      "The graph as a new trace of it gives it, with the same inputs and outputs.");
}

}  // namespace tracejet
