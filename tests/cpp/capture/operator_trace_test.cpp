// Traces every decomposition of the table with symbolic sizes: what is recorded must compute what eager computes.
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "capture/tracer.h"
#include "helpers.h"
#include "operator_entries.h"
#include "run_graph.h"
#include "testing/samples/table.h"

namespace tracejet {
namespace {

/// A call with its tensors replaced by traced ones, which are inputs of the tracer's graph.
class TracedCall {
 public:
  TracedCall(Tracer& tracer, const torch::jit::Stack& arguments)
      : tracer_(tracer), symbolize_(tracer.shapes().shared_from_this()) {
    for (const c10::IValue& argument : arguments) stack_.push_back(traced(argument));
  }
  const torch::jit::Stack& arguments() const { return stack_; }
  const std::vector<at::Tensor>& inputs() const { return inputs_; }

 private:
  at::Tensor traced(const at::Tensor& tensor) {
    inputs_.push_back(tensor);
    return tracer_.signature().add_input("x" + std::to_string(inputs_.size()), symbolize_(tensor));
  }

  c10::IValue traced(const c10::IValue& argument) {
    if (argument.isTensorList()) {
      std::vector<at::Tensor> list;
      for (const at::Tensor& tensor : argument.toTensorVector()) list.push_back(traced(tensor));
      return list;
    }
    if (argument.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor> tensor : argument.toOptionalTensorList()) {
        list.push_back(tensor ? std::optional(traced(*tensor)) : std::nullopt);
      }
      return list;
    }
    const bool is_input = argument.isTensor() && argument.toTensor().defined() &&
                          !argument.toTensor().unsafeGetTensorImpl()->is_wrapped_number();
    return is_input ? c10::IValue(traced(argument.toTensor())) : argument;
  }

  Tracer& tracer_;
  testing::Symbolize symbolize_;
  torch::jit::Stack stack_;
  std::vector<at::Tensor> inputs_;
};

/// The tensors among the results; a mask may have left out others.
std::vector<at::Tensor> defined(const torch::jit::Stack& results) {
  std::vector<at::Tensor> tensors = testing::tensors_of(results);
  std::erase_if(tensors, [](const at::Tensor& tensor) { return !tensor.defined(); });
  return tensors;
}

bool depends_on_data_sizes(const Graph& graph) {
  return std::ranges::any_of(graph.shapes().symbols(), [](const symbolic::Symbol& symbol) { return !symbol.backed; });
}

/// The graph of one call. It holds for the example even where it doesn't for all sizes. Nothing where sizes depend on
/// data: there the Python tests run what was recorded.
std::optional<std::vector<at::Tensor>> trace_and_run(const c10::OperatorHandle& op,
                                                     const torch::jit::Stack& arguments) {
  // Also what the default set keeps for engines.
  Tracer tracer({}, {.decompositions = DecompositionTable().expand(c10::toString(op.operator_name()))});
  const TracedCall traced(tracer, arguments);
  tracer.begin();
  for (const at::Tensor& output : defined(testing::call(op, traced.arguments()))) tracer.signature().add_output(output);
  tracer.finish();
  for (const Node& node : tracer.graph()->nodes()) {
    const Operator* entry = find_operator(node.op());
    const bool is_expanded = entry != nullptr && entry->decompose != nullptr && !entry->kept_by_default &&
                             entry->skip_decomposition_if == nullptr;
    EXPECT_FALSE(is_expanded || (node.op() == op && entry->skip_decomposition_if == nullptr))
        << entry->name << " was recorded";
  }
  if (depends_on_data_sizes(*tracer.graph())) return std::nullopt;
  return testing::run_on_example(*tracer.graph(), traced.inputs());
}

class OperatorTrace : public ::testing::TestWithParam<const Operator*> {
 private:
  at::NoGradGuard no_grad_;
};

TEST_P(OperatorTrace, ComputesWhatEagerComputes) {
  const Operator& entry = *GetParam();
  const auto op = testing::handle_of(entry);
  bool compared = false;
  for (const auto& arguments : samples::samples_of(entry.name)) {
    SCOPED_TRACE(testing::describe(arguments));
    const auto eager = defined(testing::call(op, arguments));
    const auto got = trace_and_run(op, arguments);
    if (!got) continue;
    testing::expect_same_values(*got, eager, testing::has_arbitrary_values(op));
    compared = true;
  }
  if (!compared) GTEST_SKIP() << "no sample could be traced";
}

INSTANTIATE_TEST_SUITE_P(EveryDecomposition, OperatorTrace, ::testing::ValuesIn(testing::decomposed_operators()),
                         testing::entry_name);

}  // namespace
}  // namespace tracejet
