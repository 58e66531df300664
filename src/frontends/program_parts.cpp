// What a program consists of, for those who look into one.
#include "ir/model_line.h"
#include "ir/node_text.h"
#include <tracejet/program.h>

namespace tracejet {

namespace {

ProgramTensor::Kind kind_of(GraphInput::Kind kind) {
  if (kind == GraphInput::Kind::kParameter) return ProgramTensor::Kind::kParameter;
  return kind == GraphInput::Kind::kBuffer ? ProgramTensor::Kind::kBuffer : ProgramTensor::Kind::kConstant;
}

std::vector<ProgramCall> calls_of(const Graph& graph) {
  std::vector<ProgramCall> calls;
  for (const Node& node : graph.nodes()) {
    ProgramCall call{.op = c10::toString(node.op().operator_name()), .where = describe(node.where(), graph)};
    const auto& declared = node.op().schema().arguments();
    for (size_t i = 0; i < node.arguments().size(); ++i) {
      call.arguments.emplace_back(i < declared.size() ? declared[i].name() : "", text_of(node.arguments()[i]));
    }
    for (const Value* value : node.outputs()) call.results.push_back(definition_of(value));
    for (const auto& subgraph : node.subgraphs()) call.bodies.push_back(calls_of(*subgraph));
    calls.push_back(std::move(call));
  }
  return calls;
}

}  // namespace

std::vector<ProgramTensor> tensors_of(const Program& program) {
  std::vector<ProgramTensor> tensors;
  for (const GraphInput& input : program.graph()->inputs()) {
    if (input.kind != GraphInput::Kind::kUser) tensors.push_back({kind_of(input.kind), input.name, input.data});
  }
  return tensors;
}

std::vector<ProgramCall> calls_of(const Program& program) { return calls_of(*program.graph()); }

}  // namespace tracejet
