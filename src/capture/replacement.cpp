// Runs functions of the decomposition table in the place of operators.
#include <algorithm>

#include "base/error.h"
#include "capture/subgraph_scope.h"
#include "capture/tensor_arguments.h"
#include "capture/traced_tensor.h"
#include "capture/tracer.h"
#include "ir/schema.h"

namespace tracejet {

/// An operator whose replacement is running. Meeting it again would go on for ever.
class Tracer::Replacing {
 public:
  Replacing(Tracer& tracer, const c10::OperatorName& op) : tracer_(tracer) {
    if (std::ranges::find(tracer.replacing_, op) != tracer.replacing_.end()) {
      throw UnsupportedOperator(
          "is called again by the function that the decomposition table replaces it by, directly "
          "or through \"" +
          c10::toString(tracer.replacing_.back()) +
          "\", which would go on for ever: keep() or replace() what that function calls");
    }
    tracer.replacing_.push_back(op);
  }
  Replacing(const Replacing&) = delete;
  Replacing& operator=(const Replacing&) = delete;
  ~Replacing() { tracer_.replacing_.pop_back(); }

 private:
  Tracer& tracer_;
};

bool Tracer::run_functionalized(const c10::OperatorHandle& op, torch::jit::Stack& stack,
                                const std::function<bool()>& run) {
  const size_t count = op.schema().arguments().size();
  const torch::jit::Stack given = torch::jit::last(stack, count).vec();
  std::vector<std::pair<at::Tensor, const Value*>> arguments;
  for (size_t i = 0; i < count; ++i) {
    map_tensors(torch::jit::peek(stack, i, count), [&](const at::Tensor& tensor) {
      const TracedTensor* traced = as_traced(tensor);
      if (traced == nullptr) return tensor;
      return arguments.emplace_back(make_functional(traced->value()), &traced->value()).first;
    });
  }
  {
    const EnableFunctionalizationGuard functionalizing;
    if (!run()) {
      std::ranges::copy(given, arguments_on(stack, op).begin());
      return false;
    }
    for (const auto& [tensor, value] : arguments) {
      if (&current_value(tensor) == value) continue;
      throw UnsupportedOperator("is expanded into something that writes to its argument " + value->tensor().str() +
                                ", which the operator doesn't; write to a clone");
    }
  }
  const size_t results = op.schema().returns().size();
  for (size_t i = 0; i < results; ++i) {
    map_tensors(torch::jit::peek(stack, i, results),
                [&](const at::Tensor& tensor) { return make_traced(value_of(tensor)); });
  }
  return true;
}

bool Tracer::replace(const c10::OperatorHandle& op, const Plan& plan, torch::jit::Stack& stack, bool is_functional) {
  const Replacing guard(*this, op.operator_name());
  const auto run = [&] {
    const size_t first_guard = shapes().guards().size();
    const bool ran = (*plan.replacement)(op, stack);
    if (shapes().guards().size() > first_guard) shapes().name_requirements(first_guard, full_name(op));
    if (ran && plan.is_slow) ++statistics_.python_decompositions[full_name(op)];
    return ran;
  };
  return is_functional ? run_functionalized(op, stack, run) : run();
}

}  // namespace tracejet
