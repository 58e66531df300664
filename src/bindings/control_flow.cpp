#include "capture/control_flow/control_flow.h"

#include <pybind11/functional.h>
#include <torch/csrc/autograd/python_variable.h>
#include <torch/csrc/utils/python_symnode.h>

#include "bindings/bindings.h"

namespace tracejet {

namespace py = pybind11;

namespace {

std::vector<at::Tensor> record_cond(Tracer& tracer, const py::object& predicate, const Body& then,
                                    const Body& otherwise, const std::vector<at::Tensor>& operands) {
  const c10::IValue decides = torch::is_symbool(predicate) ? c10::IValue(predicate.cast<c10::SymBool>())
                                                           : c10::IValue(predicate.cast<at::Tensor>());
  return control_flow::record_cond(tracer, decides, then, otherwise, operands);
}

using Tensors = std::vector<at::Tensor>;

Tensors record_while_loop(Tracer& tracer, const Body& condition, const Body& body, const Tensors& carried) {
  return control_flow::record_while_loop(tracer, tracer.subgraphs().body_of_loop(condition),
                                         tracer.subgraphs().body_of_loop(body), carried);
}

Tensors record_scan(Tracer& tracer, const Body& combine, const Tensors& init, const Tensors& xs) {
  return control_flow::record_scan(tracer, tracer.subgraphs().body_of_loop(combine), init, xs);
}

Tensors record_map(Tracer& tracer, const Body& body, const Tensors& xs, const Tensors& operands) {
  return control_flow::record_map(tracer, tracer.subgraphs().body_of_loop(body), xs, operands);
}

Tensors record_associative_scan(Tracer& tracer, const Body& combine, const Tensors& xs) {
  return control_flow::record_associative_scan(tracer, tracer.subgraphs().body_of_loop(combine), xs);
}

}  // namespace

void bind_control_flow(py::module_& parent) {
  py::module_ module = parent.def_submodule("control_flow", "Records control flow on data; see capture/control_flow.");
  module.def("cond", &record_cond, py::arg("tracer"), py::arg("predicate"), py::arg("then"), py::arg("otherwise"),
             py::arg("operands"));
  module.def("while_loop", &record_while_loop, py::arg("tracer"), py::arg("condition"), py::arg("body"),
             py::arg("carried"));
  module.def("scan", &record_scan, py::arg("tracer"), py::arg("combine"), py::arg("init"), py::arg("xs"));
  module.def("map", &record_map, py::arg("tracer"), py::arg("body"), py::arg("xs"), py::arg("operands"));
  module.def("associative_scan", &record_associative_scan, py::arg("tracer"), py::arg("combine"), py::arg("xs"));
}

}  // namespace tracejet
