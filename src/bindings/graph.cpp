#include "graph/graph.h"
#include "bindings/bindings.h"
namespace tracejet {
void bind_graph(pybind11::module_& module) {
  pybind11::class_<Graph, std::shared_ptr<Graph>>(module, "Graph").def("__str__", &Graph::str).def("num_nodes",[](Graph&g){return g.nodes().size();});
}
}
