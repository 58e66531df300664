// The table of operators that compute no elements, held against eager PyTorch.
#include "ir/analysis/element_flow.h"

#include <algorithm>

#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isin.h>
#include <ATen/ops/nan_to_num.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scalar_tensor.h>
#include <gtest/gtest.h>

#include "helpers.h"
#include "ir/analysis/possible_values.h"
#include "ir/analysis/value_range.h"
#include "operator_entries.h"
#include "small_graph.h"
#include "testing/samples/table.h"

namespace tracejet {
namespace {

using testing::dense;
using testing::only;
using testing::op;
using testing::SmallGraph;

std::vector<const Operator*> flowing_operators() {
  std::vector<const Operator*> entries;
  for (const Operator* entry : testing::all_operators()) {
    const bool flows = find_element_flow(testing::handle_of(*entry)) != nullptr;
    if (flows && testing::has_samples(*entry)) entries.push_back(entry);
  }
  return entries;
}

/// All elements of the arguments that the table names, as the result has them.
at::Tensor elements_given(const c10::OperatorHandle& op, const ElementFlow& flow, const torch::jit::Stack& arguments,
                          at::ScalarType dtype) {
  std::vector<at::Tensor> parts;
  for (const std::string_view name : flow.arguments) {
    const auto index = op.schema().argumentIndexWithName(std::string(name));
    EXPECT_TRUE(index.has_value()) << name;
    const c10::IValue& argument = arguments.at(static_cast<size_t>(index.value_or(0)));
    if (argument.isScalar()) parts.push_back(at::scalar_tensor(argument.toScalar(), at::kDouble));
    if (argument.isTensor()) parts.push_back(argument.toTensor());
    if (argument.isTensorList()) std::ranges::copy(argument.toTensorVector(), std::back_inserter(parts));
  }
  for (at::Tensor& part : parts) part = at::nan_to_num(part.to(dtype).to(at::kDouble)).flatten();
  return at::cat(parts);
}

class ElementFlowTable : public ::testing::TestWithParam<const Operator*> {};

TEST_P(ElementFlowTable, IsWhatEagerDoes) {
  const c10::OperatorHandle op = testing::handle_of(*GetParam());
  const ElementFlow& flow = *find_element_flow(op);
  for (const auto& arguments : samples::samples_of(GetParam()->name)) {
    SCOPED_TRACE(testing::describe(arguments));
    const std::vector<at::Tensor> results = testing::tensors_of(testing::call(op, arguments));
    for (const at::Tensor& result : results) {
      if (result.is_complex() || !result.is_cpu() || result.is_quantized()) continue;
      const at::Tensor given = elements_given(op, flow, arguments, result.scalar_type());
      const at::Tensor got = at::nan_to_num(result.to(at::kDouble)).flatten();
      EXPECT_TRUE(at::isin(got, given).all().item().toBool());
      if (!flow.has_all()) continue;
      ASSERT_EQ(results.size(), 1);
      EXPECT_TRUE(at::equal(std::get<0>(got.sort()), std::get<0>(given.sort())));
      if (flow.order != ElementFlow::Order::kKept) continue;
      EXPECT_TRUE(at::equal(got, given));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Table, ElementFlowTable, ::testing::ValuesIn(flowing_operators()), testing::entry_name);

/// ones(4), seen as integers: 0x3f800000.
struct Reinterpreted : SmallGraph {
  const at::Tensor data = at::ones({4});
  const Value& ones = *graph->add_input(GraphInput::Kind::kConstant, dense({4}), "ones", data);
  const Node& view = graph->add_node(op("aten::view", "dtype"), {&ones, at::kInt}, {dense({4}, at::kInt)}, {});
};

TEST(ElementFlow, AViewAsAnotherDtypeHasOtherNumbers) {
  EXPECT_EQ(find_element_flow(op("aten::view", "dtype")), nullptr);
  Reinterpreted small;
  PossibleValues values(
      [&](const Value& value) { return &value == &small.ones ? std::optional(small.data) : std::nullopt; });
  EXPECT_FALSE(values.of(only(small.view)).has_value());
  const ValueRanges ranges(*small.graph, {}, {-0x1p31, 0x1p31 - 1});
  EXPECT_GE(ranges.of(only(small.view)).max, 0x3f800000);
}

}  // namespace
}  // namespace tracejet
