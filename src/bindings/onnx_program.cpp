#include "bindings/onnx_program.h"

#include <algorithm>

#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include "compile/prepare.h"
#include "engines/tensorrt/target.h"
#include "ir/size_expression.h"
#include "lowering/onnx/network_types.h"

namespace tracejet {

namespace python {

OnnxProgram::OnnxProgram(std::shared_ptr<const Graph> graph, RuntimeInputs inputs, const onnx::Target& target,
                         at::ScalarType precision)
    : engine(target.name), graph(std::move(graph)), inputs(std::move(inputs)) {
  onnx::Lowering lowering(*this->graph, this->inputs, target);
  lowering.run();
  refused = lowering.unsupported();
  if (!refused.empty()) return;
  model = std::move(lowering).finish();
  onnx::dequantize_weights(model);
  if (precision != at::kFloat) onnx::narrow_products(model, precision);
}

const Node* OnnxProgram::source_of(size_t onnx_node) const {
  for (size_t i = onnx_node; i < model.nodes.size(); ++i) {
    if (model.nodes[i].source != nullptr) return model.nodes[i].source;
  }
  for (size_t i = std::min(onnx_node, model.nodes.size()); i-- > 0;) {
    if (model.nodes[i].source != nullptr) return model.nodes[i].source;
  }
  return nullptr;
}

std::vector<Unsupported> OnnxProgram::sources_of(const std::vector<std::pair<size_t, std::string>>& nodes) const {
  std::vector<Unsupported> sources;
  for (const auto& [node, reason] : nodes) {
    const Node* source = source_of(node);
    if (source == nullptr)
      throw UnsupportedOperator("the engine refuses this program: it " + reason, ErrorCode::kEngineRefusal);
    if (std::ranges::count(sources, source, &Unsupported::node) == 0) sources.push_back({source, reason});
  }
  return sources;
}

}  // namespace python

namespace {

using python::OnnxProgram;
namespace py = pybind11;

/// (min, opt, max) of a size; None where it has no bound, or depends on data.
py::tuple bounds(const c10::SymInt& size) {
  const symbolic::Expression expression = expression_of(size);
  const symbolic::Range range = expression.range();
  py::object max = py::none(), opt = py::none();
  if (range.max != symbolic::kInfinity) max = py::int_(range.max);
  if (!symbolic::is_data_dependent(expression) && expression.has_hint()) opt = py::int_(expression.hint());
  return py::make_tuple(std::max<int64_t>(range.min, 0), opt, max);
}

struct OnnxInput {
  std::string name;
  at::ScalarType dtype;
  bool is_used;
  py::list sizes;
  std::vector<std::string> axes;
};

std::vector<OnnxInput> onnx_inputs_of(const OnnxProgram& program) {
  std::vector<OnnxInput> inputs;
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    const onnx::TensorInfo& info = program.model.inputs[i];
    OnnxInput input{info.name, info.dtype, info.is_used, py::list(), {}};
    for (const c10::SymInt& size : program.graph->inputs()[program.inputs[i]].value->tensor().sizes) {
      input.sizes.append(bounds(size));
      input.axes.push_back(expression_of(size).str());
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

}  // namespace

void bind_onnx_program(py::module_& module) {
  py::class_<onnx::OnnxNode>(module, "OnnxNode", "A node of an ONNX model.")
      .def_readonly("op", &onnx::OnnxNode::op)
      .def_readonly("inputs", &onnx::OnnxNode::inputs)
      .def_readonly("outputs", &onnx::OnnxNode::outputs);
  py::class_<OnnxInput>(module, "OnnxInput", "A tensor that an ONNX model takes when it runs.")
      .def_readonly("name", &OnnxInput::name)
      .def_readonly("dtype", &OnnxInput::dtype)
      .def_readonly("is_used", &OnnxInput::is_used, "Whether some output depends on it.")
      .def_readonly("axes", &OnnxInput::axes, R"(The size of each axis in words: "batch", "2*batch", "8".)")
      .def_readonly("sizes", &OnnxInput::sizes, "(min, opt, max) of each axis; opt and max may be unknown.");
  py::class_<onnx::TensorInfo>(module, "OnnxOutput", "A tensor that an ONNX model gives.")
      .def_readonly("name", &onnx::TensorInfo::name)
      .def_readonly("dtype", &onnx::TensorInfo::dtype)
      .def_property_readonly(
          "rank", [](const onnx::TensorInfo& self) { return self.shape.size(); }, "How many axes it has.");
  py::class_<OnnxProgram, std::shared_ptr<OnnxProgram>>(module, "OnnxProgram",
                                                        "A graph as ONNX, for engines that read it.")
      .def_property_readonly("inputs", &onnx_inputs_of, "What it takes when it runs.")
      .def_property_readonly(
          "outputs", [](const OnnxProgram& self) { return self.model.outputs; },
          "Those of the program, then one boolean for each of `checks`.")
      .def_property_readonly(
          "checks", [](const OnnxProgram& self) { return self.model.checks; },
          "What to say where such a boolean is false.")
      .def_property_readonly("nodes", [](const OnnxProgram& self) { return self.model.nodes; })
      .def_property_readonly("weights",
                             [](const OnnxProgram& self) {
                               std::vector<std::pair<std::string, at::Tensor>> weights;
                               for (const auto& [name, data] : self.model.weights) weights.emplace_back(name, data);
                               return weights;
                             })
      .def(
          "report",
          [](const OnnxProgram& self, const std::vector<std::pair<size_t, std::string>>& refused) {
            return report(*self.graph, self.sources_of(refused), self.engine);
          },
          py::arg("refused"), "What an engine refuses, by ONNX node, in the words of the model.")
      .def(
          "skeleton",
          [](const OnnxProgram& self) {
            return py::bytes(self.model.serialize(onnx::WeightForm::kReferences, "weights"));
          },
          "The model's bytes, without its weights: they are initialisers whose data are elsewhere.");
  module.def(
      "onnx_for_tensorrt",
      [](const std::shared_ptr<Graph>& graph, at::ScalarType precision) {
        const py::gil_scoped_release no_gil;
        const auto prepared = prepared_for_engines(*graph);
        auto program =
            std::make_shared<OnnxProgram>(prepared, runtime_inputs_of(*prepared), tensorrt::target(), precision);
        if (program->refused.empty()) return program;
        throw UnsupportedOperator(report(*prepared, program->refused, program->engine), ErrorCode::kEngineRefusal);
      },
      py::arg("graph"), py::arg("precision"), "A whole program as TensorRT reads it.");
}

}  // namespace tracejet
