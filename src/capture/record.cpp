// The lower hook: what arrives here is functional and becomes nodes of the graph.
#include <torch/library.h>

#include "capture/keys.h"
#include "capture/plan.h"
#include "capture/tensor_arguments.h"
#include "capture/traced_tensor.h"
#include "capture/tracer.h"
#include "support/error.h"

namespace tracejet {

namespace {


/// `.item()`, `float(tensor)`, `if tensor:` all end in `_local_scalar_dense`.
bool reads_data(const c10::OperatorHandle& op) {
  static const c10::OperatorName scalar{"aten::_local_scalar_dense", ""};
  static const c10::OperatorName equal{"aten::equal", ""};
  return op.operator_name() == scalar || op.operator_name() == equal;
}

/// Answers a read of data from constants, where these determine it.
void read_data(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const size_t count = op.schema().arguments().size();
  for (auto argument = stack.end() - static_cast<std::ptrdiff_t>(count); argument != stack.end(); ++argument) {
    map_tensors(*argument, [&](const at::Tensor& tensor) {
      const Argument read = tracer.to_argument(tensor);
      const Value* const* value = std::get_if<const Value*>(&read);
      if (value == nullptr) return tensor;
      const auto data = tracer.constant_value(**value);
      if (!data) {
        throw DataDependent(
            "the model reads the value of " + (*value)->tensor().str() +
            ", which only exists when the program runs; compute with the tensor instead (torch.where, torch.cond), or "
            "pass the number as an argument of forward");
      }
      return *data;
    });
  }
  const Untraced guard;
  op.callBoxed(stack);
}

void record_call(Tracer& tracer, const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  if (op.schema().is_mutable()) {
    throw UnsupportedOperator("writes to a tensor in place where functionalization can't see it; use the functional form");
  }
  const size_t count = op.schema().arguments().size();
  std::vector<Argument> arguments;
  arguments.reserve(count);
  for (auto argument = stack.end() - static_cast<std::ptrdiff_t>(count); argument != stack.end(); ++argument) {
    arguments.push_back(tracer.to_argument(*argument));
  }
  std::vector<c10::IValue> results = tracer.record(op, std::move(arguments));
  torch::jit::drop(stack, count);
  for (c10::IValue& result : results) stack.push_back(std::move(result));
}

void record(const c10::OperatorHandle& op, c10::DispatchKeySet, torch::jit::Stack* stack) {
  Tracer* tracer = Tracer::current();
  if (tracer == nullptr) {
    throw Error("[" + c10::toString(op.operator_name()) +
                "] got a traced tensor after its trace has ended: a module, a global or a cache kept it");
  }
  const Plan& plan = plan_of(op);
  try {
    if (reads_data(op)) return read_data(*tracer, op, *stack);
    switch (plan.action) {
      case Plan::Action::kDecompose:
        return plan.entry->decompose(op, stack);
      case Plan::Action::kExpandComposite:
        return op.callBoxedForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd, *stack);
      case Plan::Action::kRecord:
        return record_call(*tracer, op, *stack);
    }
  } catch (const Error&) {
    tracer->rethrow_with_location(op);
  }
}

}  // namespace

TORCH_LIBRARY_IMPL(_, Fake, library) {
  static_assert(kRecordKey == c10::DispatchKey::Fake);
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&record>());
}

}  // namespace tracejet
