#include "run_graph.h"

#include <unordered_map>

#include <ATen/ScalarOps.h>

#include "symbolic/sym_node.h"

namespace tracejet::testing {

namespace {

using Environment = std::unordered_map<const Value*, c10::IValue>;

c10::IValue on_example(const c10::IValue& constant) {
  if (constant.isSymInt()) return symbolic::hint_of(constant.toSymInt()).value();
  if (constant.isSymFloat()) return symbolic::expression_of(constant.toSymFloat()).value().real_hint();
  if (constant.isSymBool()) return symbolic::expression_of(constant.toSymBool()).value().hint() != 0;
  if (!constant.isList() || constant.isTensorList()) return constant;
  for (const c10::IValue& element : constant.toListRef()) {
    if (!element.isInt() && !element.isSymInt()) return constant;
  }
  std::vector<int64_t> integers;
  for (const c10::IValue& element : constant.toListRef()) integers.push_back(on_example(element).toInt());
  return integers;
}

bool takes_tensor(const c10::Argument& declared) { return declared.type()->kind() == c10::TypeKind::TensorType; }

c10::IValue list_of(const std::vector<const Value*>& values, const c10::Argument& declared,
                    const Environment& environment) {
  const auto& element = declared.type()->castRaw<c10::ListType>()->getElementType();
  if (element->kind() == c10::TypeKind::OptionalType) {
    c10::List<std::optional<at::Tensor>> tensors;
    for (const Value* value : values) {
      tensors.push_back(value == nullptr ? std::nullopt : std::optional(environment.at(value).toTensor()));
    }
    return tensors;
  }
  std::vector<at::Tensor> tensors;
  for (const Value* value : values) tensors.push_back(environment.at(value).toTensor());
  return tensors;
}

c10::IValue argument_of(const Argument& argument, const c10::Argument& declared, const Environment& environment) {
  if (const auto* value = std::get_if<const Value*>(&argument)) return environment.at(*value);
  if (const auto* list = std::get_if<std::vector<const Value*>>(&argument))
    return list_of(*list, declared, environment);
  const c10::IValue constant = on_example(std::get<c10::IValue>(argument));
  const bool is_number = takes_tensor(declared) && constant.isScalar();
  return is_number ? c10::IValue(at::native::wrapped_scalar_tensor(constant.toScalar())) : constant;
}

void run(const Node& node, Environment& environment) {
  torch::jit::Stack stack;
  const auto& declared = node.op().schema().arguments();
  for (size_t i = 0; i < declared.size(); ++i) {
    stack.push_back(argument_of(node.arguments()[i], declared[i], environment));
  }
  node.op().callBoxed(stack);
  auto output = node.outputs().begin();
  const auto store = [&](const c10::IValue& result) {
    if (*output != nullptr) environment[*output] = result;
    ++output;
  };
  for (const c10::IValue& result : stack) {
    if (!result.isTensorList()) {
      store(result);
    } else {
      for (const c10::IValue& element : result.toListRef()) store(element);
    }
  }
}

}  // namespace

std::vector<at::Tensor> run_on_example(const Graph& graph, const std::vector<at::Tensor>& inputs) {
  Environment environment;
  size_t given = 0;
  for (const GraphInput& input : graph.inputs()) {
    if (input.value == nullptr) continue;
    const bool is_user = input.kind == GraphInput::Kind::kUser;
    environment[input.value] = is_user ? inputs.at(given++) : input.data;
  }
  for (const Node& node : graph.nodes()) run(node, environment);
  std::vector<at::Tensor> outputs;
  for (const GraphOutput& output : graph.outputs()) {
    const bool is_result = output.kind == GraphOutput::Kind::kUser && output.value != nullptr;
    if (is_result) outputs.push_back(environment.at(output.value).toTensor());
  }
  return outputs;
}

}  // namespace tracejet::testing
