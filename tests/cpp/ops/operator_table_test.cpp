// Walks the table of operators: whatever is said of an operator there must hold against eager PyTorch on its samples.
#include <algorithm>
#include <functional>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/enum_tag.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>

#include "helpers.h"
#include "ir/call.h"
#include "operator_entries.h"
#include "ops/operator.h"
#include "ops/shape/shape.h"
#include "testing/samples/table.h"

namespace tracejet {
namespace {

using Change = std::function<int64_t(int64_t)>;

std::vector<at::Tensor> defined(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> result;
  std::copy_if(tensors.begin(), tensors.end(), std::back_inserter(result), [](const auto& t) { return t.defined(); });
  return result;
}

/// Sizes, strides and dtype, exactly.
void expect_same_metas(const std::vector<TensorMeta>& rule, const std::vector<at::Tensor>& eager) {
  ASSERT_EQ(rule.size(), eager.size());
  for (size_t i = 0; i < rule.size(); ++i) {
    const TensorMeta actual = testing::meta_of(eager[i]);
    EXPECT_EQ(shape::text(rule[i].sizes), shape::text(actual.sizes)) << "sizes of output " << i;
    EXPECT_EQ(shape::text(rule[i].strides), shape::text(actual.strides))
        << "strides of output " << i << ", of sizes " << shape::text(actual.sizes);
    EXPECT_EQ(rule[i].dtype, actual.dtype) << "dtype of output " << i;
  }
}

class OperatorTable : public ::testing::TestWithParam<const Operator*> {
 protected:
  const Operator& entry() const { return *GetParam(); }

  c10::OperatorHandle op() const { return testing::handle_of(entry()); }

 private:
  at::NoGradGuard no_grad_;
};

/// Why a rule isn't compared: a test that has nothing to compare says so.
constexpr const char* kNoRule = "no shape rule, or no samples";

TEST_P(OperatorTable, NamesAnOperatorOfPyTorch) {
  EXPECT_TRUE(c10::Dispatcher::singleton().findSchema(testing::name_of(entry())).has_value());
}

TEST_P(OperatorTable, HasSamplesThatFitItsSchema) {
  if (!op().hasComputedKernelForDispatchKey(c10::DispatchKey::CPU)) GTEST_SKIP() << "CUDA's alone: no oracle here";
  if (entry().name == "aten::_scaled_dot_product_fused_attention_overrideable")
    GTEST_SKIP() << "its kernel only raises";
  if (op().hasTag(at::Tag::dynamic_output_shape) || op().hasTag(at::Tag::data_dependent_output)) {
    GTEST_SKIP() << "data-dependent, which no rule sees: the Python tests trace it and run what was recorded";
  }
  ASSERT_TRUE(testing::has_samples(entry()));
  const size_t expected = op().schema().arguments().size();
  ASSERT_FALSE(samples::samples_of(entry().name).empty());
  for (const auto& arguments : samples::samples_of(entry().name))
    EXPECT_EQ(arguments.size(), expected) << testing::describe(arguments);
}

TEST_P(OperatorTable, RuleGivesWhatEagerGives) {
  if (entry().meta == nullptr || !testing::has_samples(entry())) GTEST_SKIP() << kNoRule;
  for (const auto& arguments : samples::samples_of(entry().name)) {
    SCOPED_TRACE(testing::describe(arguments));
    const auto eager = defined(testing::tensors_of(testing::call(op(), arguments)));
    const testing::Arguments given(arguments);
    const auto handle = op();
    expect_same_metas(entry().meta(Call(handle, given.list())), eager);
  }
}

/// Operators whose kernel, and with it the layout of the result, ATen chooses by comparing sizes. With symbolic sizes
/// the comparison stays open and a rule takes the general layout: choosing one is no reason for a guard.
bool chooses_layout_by_sizes(const Operator& entry) {
  return entry.name == "aten::convolution" || entry.name == "aten::scaled_dot_product_attention";
}

TEST_P(OperatorTable, RuleHoldsForSymbolicSizes) {
  if (entry().meta == nullptr || !testing::has_samples(entry())) GTEST_SKIP() << kNoRule;
  for (const auto& arguments : samples::samples_of(entry().name)) {
    SCOPED_TRACE(testing::describe(arguments));
    const auto eager = defined(testing::tensors_of(testing::call(op(), arguments)));
    const auto context = symbolic::Context::create();
    const testing::Arguments given(arguments, testing::Symbolize(context));
    const auto handle = op();
    const auto rule = entry().meta(Call(handle, given.list()));
    ASSERT_EQ(rule.size(), eager.size());
    for (size_t i = 0; i < rule.size(); ++i) {
      const TensorMeta actual = testing::meta_of(eager[i]);
      EXPECT_EQ(testing::on_example(rule[i].sizes), testing::on_example(actual.sizes)) << rule[i].str();
      EXPECT_EQ(rule[i].dtype, actual.dtype);
      if (chooses_layout_by_sizes(entry())) continue;
      EXPECT_EQ(testing::on_example(rule[i].strides), testing::on_example(actual.strides)) << rule[i].str();
    }
  }
}

/// Without a guard, the sizes must be right for all sizes of the inputs, 1 included.
TEST_P(OperatorTable, RuleWithoutGuardsHoldsForOtherSizes) {
  if (entry().meta == nullptr || !testing::has_samples(entry())) GTEST_SKIP() << kNoRule;
  const auto handle = op();
  bool compared = false;
  for (const auto& arguments : samples::samples_of(entry().name)) {
    SCOPED_TRACE(testing::describe(arguments));
    const auto context = symbolic::Context::create();
    testing::Symbolize symbolize(context);
    const testing::Arguments given(arguments, symbolize);
    const auto rule = entry().meta(Call(handle, given.list()));
    if (!context->guards().empty()) continue;
    compared = true;
    for (const auto& change : {Change([](int64_t) { return 1; }), Change([](int64_t hint) { return hint + 3; })}) {
      const testing::Arguments other(arguments, [&](const at::Tensor& tensor) {
        TensorMeta meta = testing::meta_of(tensor);
        for (c10::SymInt& size : meta.sizes) size = size > 1 ? c10::SymInt(change(size.expect_int())) : size;
        meta.strides = contiguous_strides(meta.sizes);
        return meta;
      });
      const auto expected = entry().meta(Call(handle, other.list()));
      ASSERT_EQ(rule.size(), expected.size());
      for (size_t i = 0; i < rule.size(); ++i) {
        EXPECT_EQ(testing::with_symbols(rule[i].sizes, change), testing::on_example(expected[i].sizes))
            << rule[i].str();
      }
    }
  }
  if (!compared) GTEST_SKIP() << "every sample has guards";
}

TEST_P(OperatorTable, DecompositionComputesWhatEagerComputes) {
  if (entry().decompose == nullptr || !testing::has_samples(entry())) GTEST_SKIP() << "no decomposition, or no samples";
  for (const auto& arguments : samples::samples_of(entry().name)) {
    SCOPED_TRACE(testing::describe(arguments));
    const auto eager = testing::tensors_of(testing::call(op(), arguments));
    torch::jit::Stack stack = arguments;
    entry().decompose(op(), &stack);
    testing::expect_same_values(testing::tensors_of(stack), eager, testing::has_arbitrary_values(op()));
  }
}

INSTANTIATE_TEST_SUITE_P(Every, OperatorTable, ::testing::ValuesIn(testing::all_operators()), testing::entry_name);

}  // namespace
}  // namespace tracejet
