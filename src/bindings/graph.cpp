#include "ir/graph.h"

#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include "engines/runtime_inputs.h"
#include "ir/schema.h"
#include "ir/size_expression.h"

namespace tracejet {

namespace {

/// Sizes as people compare them: plain integers, and the text of symbolic ones.
py::tuple readable(c10::SymIntArrayRef sizes) {
  py::tuple result(sizes.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto known = sizes[i].maybe_as_int();
    if (known) {
      result[i] = py::int_(*known);
    } else {
      result[i] = py::str(expression_of(sizes[i]).str());
    }
  }
  return result;
}

std::vector<const Value*> inputs_of(const Node& node) {
  std::vector<const Value*> inputs;
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& value) { inputs.push_back(&value); });
  }
  return inputs;
}

void bind_value(py::module_& module) {
  py::class_<Value>(module, "Value", "A tensor, or a number that only exists at run time, in a graph.")
      .def_property_readonly("id", &Value::id)
      .def_property_readonly("is_tensor", &Value::is_tensor)
      .def_property_readonly("shape", [](const Value& value) { return readable(value.tensor().sizes); })
      .def_property_readonly("strides", [](const Value& value) { return readable(value.tensor().strides); })
      .def_property_readonly("dtype", [](const Value& value) { return value.tensor().dtype; })
      .def_property_readonly("device", [](const Value& value) { return value.tensor().device; })
      .def("__repr__", [](const Value& value) {
        return "%" + std::to_string(value.id()) + (value.is_tensor() ? ": " + value.tensor().str() : "");
      });
}

void bind_node(py::module_& module) {
  py::class_<Node>(module, "Node", "One call of an operator.")
      .def_property_readonly(
          "op", [](const Node& node) { return full_name(node.op()); }, "\"aten::add.Tensor\"")
      .def_property_readonly("inputs", &inputs_of, "The values that it reads, in the order of its arguments.")
      .def_property_readonly(
          "outputs",
          [](const Node& node) { return std::vector<const Value*>(node.outputs().begin(), node.outputs().end()); })
      .def_property_readonly(
          "subgraphs",
          [](const Node& node) {
            return std::vector<std::shared_ptr<Graph>>(node.subgraphs().begin(), node.subgraphs().end());
          },
          "What an operator of control flow runs.")
      .def("__repr__", [](const Node& node) { return full_name(node.op()); });
}

void bind_inputs_and_outputs(py::module_& module) {
  py::class_<GraphInput> input(module, "GraphInput", "A parameter, a buffer, a constant or an argument.");
  py::enum_<GraphInput::Kind>(input, "Kind")
      .value("PARAMETER", GraphInput::Kind::kParameter)
      .value("BUFFER", GraphInput::Kind::kBuffer)
      .value("CONSTANT", GraphInput::Kind::kConstant)
      .value("USER", GraphInput::Kind::kUser);
  input.def_readonly("kind", &GraphInput::kind)
      .def_readonly("name", &GraphInput::name)
      .def_readonly("persistent", &GraphInput::persistent)
      .def_property_readonly(
          "value", [](const GraphInput& self) { return self.value; }, "None: not a tensor.")
      .def_property_readonly("data", [](const GraphInput& self) -> std::optional<at::Tensor> {
        return self.data.defined() ? std::optional(self.data) : std::nullopt;
      });

  py::class_<GraphOutput> output(module, "GraphOutput", "What the program returns or writes back.");
  py::enum_<GraphOutput::Kind>(output, "Kind")
      .value("USER", GraphOutput::Kind::kUser)
      .value("BUFFER_MUTATION", GraphOutput::Kind::kBufferMutation)
      .value("INPUT_MUTATION", GraphOutput::Kind::kInputMutation);
  output.def_readonly("kind", &GraphOutput::kind)
      .def_readonly("target", &GraphOutput::target, "Of a mutation: which input takes the value.")
      .def_property_readonly(
          "value", [](const GraphOutput& self) { return self.value; }, "None: not a tensor.")
      .def_property_readonly("is_computed", &is_computed, "Whether running the graph gives a value for it.");
}

}  // namespace

void bind_graph(py::module_& module) {
  py::class_<Graph, std::shared_ptr<Graph>> graph(module, "Graph", "A traced program, read-only.");
  bind_value(module);
  bind_node(module);
  bind_inputs_and_outputs(module);
  const auto inside = py::return_value_policy::reference_internal;
  graph
      .def_property_readonly(
          "nodes",
          [](const Graph& graph) {
            std::vector<const Node*> nodes;
            for (const Node& node : graph.nodes()) nodes.push_back(&node);
            return nodes;
          },
          inside, "The calls, in the order of execution.")
      .def_property_readonly(
          "inputs",
          [](const Graph& graph) {
            std::vector<const GraphInput*> inputs;
            for (const GraphInput& input : graph.inputs()) inputs.push_back(&input);
            return inputs;
          },
          inside)
      .def_property_readonly(
          "outputs",
          [](const Graph& graph) {
            std::vector<const GraphOutput*> outputs;
            for (const GraphOutput& output : graph.outputs()) outputs.push_back(&output);
            return outputs;
          },
          inside)
      .def(
          "count",
          [](const Graph& graph, const std::string& op) {
            return std::ranges::count_if(graph.nodes(), [&](const Node& node) { return full_name(node.op()) == op; });
          },
          py::arg("op"), "How many calls of this operator there are.")
      .def("__len__", [](const Graph& graph) { return graph.nodes().size(); })
      .def("__str__", &Graph::str);
}

}  // namespace tracejet
