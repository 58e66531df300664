#include "capture/replacement.h"

#include <algorithm>

#include "base/error.h"
#include "capture/functionalization.h"
#include "capture/tensor_arguments.h"
#include "capture/traced_tensor.h"
#include "ir/schema.h"

namespace tracejet {

namespace {

/// An operator whose replacement is running. Meeting it again would go on for ever.
class Running {
 public:
  Running(std::vector<c10::OperatorName>& running, const c10::OperatorName& op) : running_(running) {
    if (std::ranges::find(running, op) != running.end()) {
      throw UnsupportedOperator(
          "is called again by the function that the decomposition table replaces it by, directly "
          "or through \"" +
              c10::toString(running.back()) +
              "\", which would go on for ever: keep() or replace() what that function calls",
          ErrorCode::kReplacement);
    }
    running.push_back(op);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { running_.pop_back(); }

 private:
  std::vector<c10::OperatorName>& running_;
};

}  // namespace

bool Replacement::run_functionalized(const c10::OperatorHandle& op, torch::jit::Stack& stack,
                                     const std::function<bool()>& run) {
  const size_t count = op.schema().arguments().size();
  const torch::jit::Stack given = torch::jit::last(stack, count).vec();
  std::vector<std::pair<at::Tensor, const Value*>> arguments;
  for (size_t i = 0; i < count; ++i) {
    map_tensors(torch::jit::peek(stack, i, count), [&](const at::Tensor& tensor) {
      const TracedTensor* traced = as_traced(tensor);
      if (traced == nullptr) return tensor;
      return arguments.emplace_back(scopes_.make_functional(traced->value()), &traced->value()).first;
    });
  }
  {
    const EnableFunctionalizationGuard functionalizing;
    if (!run()) {
      std::ranges::copy(given, arguments_on(stack, op).begin());
      return false;
    }
    for (const auto& [tensor, value] : arguments) {
      if (&scopes_.current_value(tensor) == value) continue;
      throw UnsupportedOperator("is expanded into something that writes to its argument " + value->tensor().str() +
                                    ", which the operator doesn't; write to a clone",
                                ErrorCode::kInPlaceWrite);
    }
  }
  const size_t results = op.schema().returns().size();
  for (size_t i = 0; i < results; ++i) {
    map_tensors(torch::jit::peek(stack, i, results),
                [&](const at::Tensor& tensor) { return scopes_.make_traced(lifting_.value_of(tensor)); });
  }
  return true;
}

bool Replacement::replace(const c10::OperatorHandle& op, const Plan& plan, torch::jit::Stack& stack,
                          bool is_functional) {
  const Running guard(running_, op.operator_name());
  symbolic::Context& shapes = scopes_.shapes();
  const auto run = [&] {
    const size_t first_guard = shapes.guards().size();
    const bool ran = (*plan.replacement)(op, stack);
    if (shapes.guards().size() > first_guard) shapes.name_requirements(first_guard, full_name(op));
    if (ran && plan.is_slow) ++python_decompositions_[full_name(op)];
    return ran;
  };
  return is_functional ? run_functionalized(op, stack, run) : run();
}

}  // namespace tracejet
