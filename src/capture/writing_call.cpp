#include "capture/writing_call.h"

#include <ATen/FunctionalTensorWrapper.h>

#include "base/error.h"
#include "capture/tensor_arguments.h"
#include "capture/traced_tensor.h"

namespace tracejet {

namespace functionalization = at::functionalization;

namespace {

/// PyTorch's form of such a call in a program, auto_functionalized, takes no others either.
void check_results(const c10::FunctionSchema& schema) {
  for (const c10::Argument& result : schema.returns()) {
    if (result.type()->kind() == c10::TypeKind::TensorType && result.alias_info() == nullptr) continue;
    throw UnsupportedOperator("writes to its arguments and returns a " + result.type()->str() +
                                  (result.alias_info() == nullptr ? "" : " that shares memory with them") +
                                  "; an operator that writes may return nothing, or tensors of its own",
                              ErrorCode::kInPlaceWrite);
  }
}

/// A write through one argument would be seen through the other, which copies of them don't show.
void check_memory(const c10::FunctionSchema& schema, std::span<const c10::IValue> arguments) {
  std::vector<std::pair<at::Tensor, bool>> seen;  // tensor, whether it is written
  for (size_t i = 0; i < arguments.size(); ++i) {
    for_each_tensor(arguments[i], [&](const at::Tensor& tensor) {
      const bool written = is_written(schema.arguments()[i]);
      for (const auto& [other, other_written] : seen) {
        if ((written || other_written) && tensor.storage().is_alias_of(other.storage())) {
          throw UnsupportedOperator("writes to its argument '" + schema.arguments()[i].name() +
                                        "', whose memory another argument shares; clone one of them",
                                    ErrorCode::kInPlaceWrite);
        }
      }
      seen.emplace_back(tensor, written);
    });
  }
}

/// What an argument is after the call, as an output of the node.
OutputMeta output_for(const Argument& written) {
  if (const auto* value = std::get_if<const Value*>(&written)) return (*value)->tensor();
  if (const auto* list = std::get_if<std::vector<const Value*>>(&written)) {
    std::vector<TensorMeta> metas;
    for (const Value* value : *list) metas.push_back(value->tensor());
    return metas;
  }
  return std::monostate();
}

void write(const at::Tensor& functional, const at::Tensor& content) {
  functionalization::impl::replace_(functional, content);
  functionalization::impl::commit_update(functional);
  functionalization::impl::sync(functional);
}

void write(const c10::IValue& argument, const c10::IValue& content) {
  if (argument.isTensor()) {
    if (argument.toTensor().defined()) write(argument.toTensor(), content.toTensor());
    return;
  }
  if (!argument.isTensorList()) return;
  const std::vector<at::Tensor> targets = argument.toTensorVector(), contents = content.toTensorVector();
  for (size_t i = 0; i < targets.size(); ++i) write(targets[i], contents[i]);
}

}  // namespace

void record_writing_call(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const c10::FunctionSchema& schema = op.schema();
  const size_t count = schema.arguments().size();
  const std::vector<c10::IValue> given = torch::jit::last(stack, count).vec();
  check_results(schema);
  check_memory(schema, given);

  std::vector<Argument> arguments;
  for (const c10::IValue& argument : given) arguments.push_back(tracer.to_argument(argument));
  std::vector<OutputMeta> outputs = tracer.infer(Call(op, arguments));
  outputs.resize(schema.returns().size());  // a meta kernel's None for "returns nothing" is no output
  for (size_t i = 0; i < count; ++i) {
    if (is_written(schema.arguments()[i])) outputs.push_back(output_for(arguments[i]));
  }

  const std::vector<c10::IValue> results = tracer.record(op, std::move(arguments), std::move(outputs));
  size_t copy = schema.returns().size();
  for (size_t i = 0; i < count; ++i) {
    if (is_written(schema.arguments()[i])) write(given[i], results[copy++]);
  }
  torch::jit::drop(stack, count);
  for (size_t i = 0; i < schema.returns().size(); ++i) {
    at::Tensor own = functionalization::impl::to_functional_tensor(results[i].toTensor());
    forbid_data_access(own);
    stack.push_back(std::move(own));
  }
}

}  // namespace tracejet
