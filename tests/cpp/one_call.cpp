#include "one_call.h"

#include "helpers.h"
#include "symbolic/context.h"

namespace tracejet::testing {

namespace {

bool is_defined_tensor(const c10::IValue& value) { return value.isTensor() && value.toTensor().defined(); }

bool holds_tensors(const c10::IValue& value) {
  if (value.isTensorList()) return true;
  if (!value.isList()) return false;
  for (const c10::IValue& element : value.toListRef()) {
    if (is_defined_tensor(element)) return true;
  }
  return false;
}

OutputMeta output_meta(const c10::IValue& result) {
  if (result.isTensorList()) {
    std::vector<TensorMeta> metas;
    for (const at::Tensor& tensor : result.toTensorVector()) metas.push_back(meta_of(tensor));
    return metas;
  }
  if (!is_defined_tensor(result)) return std::monostate{};
  return meta_of(result.toTensor());
}

}  // namespace

OneCall one_call(const c10::OperatorHandle& op, const torch::jit::Stack& arguments, size_t outputs) {
  OneCall program{std::make_shared<Graph>(symbolic::Context::create()), {}, {}};
  const auto add_input = [&](const at::Tensor& tensor) {
    program.inputs.push_back(tensor);
    return program.graph->add_input(GraphInput::Kind::kUser, meta_of(tensor),
                                    "x" + std::to_string(program.inputs.size()));
  };
  std::vector<Argument> described;
  for (const c10::IValue& argument : arguments) {
    if (is_defined_tensor(argument)) {
      const at::Tensor& tensor = argument.toTensor();
      const bool is_number = tensor.unsafeGetTensorImpl()->is_wrapped_number();
      described.push_back(is_number ? Argument(c10::IValue(tensor.item())) : Argument(add_input(tensor)));
    } else if (holds_tensors(argument)) {
      std::vector<const Value*> list;
      for (const c10::IValue& element : argument.toListRef()) {
        list.push_back(is_defined_tensor(element) ? add_input(element.toTensor()) : nullptr);
      }
      described.emplace_back(std::move(list));
    } else {
      described.emplace_back(argument.isTensor() ? c10::IValue() : argument);
    }
  }
  const torch::jit::Stack results = call(op, arguments);
  std::vector<OutputMeta> metas;
  for (const c10::IValue& result : results) metas.push_back(output_meta(result));
  const Node& node = program.graph->add_node(op, std::move(described), std::move(metas), {});
  for (const Value* value : node.outputs()) {
    const bool is_read = value != nullptr && program.graph->outputs().size() < outputs;
    if (is_read) program.graph->add_output({GraphOutput::Kind::kUser, value, {}, 0});
  }
  for (const at::Tensor& tensor : tensors_of(results)) {
    if (tensor.defined() && program.eager.size() < outputs) program.eager.push_back(tensor);
  }
  return program;
}

}  // namespace tracejet::testing
