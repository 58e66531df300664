// Walks the table of operators: whatever is said of an operator there must hold against eager PyTorch on its samples.
#include <algorithm>
#include <functional>
#include <string>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <gtest/gtest.h>

#include "graph/call.h"
#include "ops/operator.h"
#include "ops/shape.h"
#include "support.h"

namespace tracejet {
namespace {

std::vector<const Operator*> all_operators() {
  std::vector<const Operator*> entries;
  for (const auto table : operator_tables()) {
    for (const Operator& entry : table) entries.push_back(&entry);
  }
  return entries;
}

c10::OperatorName name_of(const Operator& entry) {
  const std::string name(entry.name);
  const auto dot = name.find('.');
  return dot == std::string::npos ? c10::OperatorName(name, "")
                                  : c10::OperatorName(name.substr(0, dot), name.substr(dot + 1));
}

std::string describe(const torch::jit::Stack& arguments) {
  std::string text;
  for (const c10::IValue& argument : arguments) {
    if (!text.empty()) text += ", ";
    if (argument.isTensor() && argument.toTensor().defined()) {
      text += testing::meta_of(argument.toTensor()).str();
    } else {
      std::ostringstream out;
      out << argument;
      text += out.str().substr(0, 80);
    }
  }
  return "(" + text + ")";
}

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

/// Random numbers, or whatever lies in memory: no two calls agree.
bool has_arbitrary_values(const c10::OperatorHandle& op) {
  return op.hasTag(at::Tag::nondeterministic_seeded) || op.operator_name().name.find("empty") != std::string::npos;
}

/// Values (if any are meant) within rounding, dtype and sizes exactly.
void expect_same_values(const std::vector<at::Tensor>& decomposed, const std::vector<at::Tensor>& eager,
                        bool arbitrary) {
  ASSERT_EQ(decomposed.size(), eager.size());
  for (size_t i = 0; i < eager.size(); ++i) {
    ASSERT_EQ(decomposed[i].defined(), eager[i].defined()) << "output " << i;
    if (!eager[i].defined()) continue;
    ASSERT_EQ(decomposed[i].sizes(), eager[i].sizes()) << "sizes of output " << i;
    ASSERT_EQ(decomposed[i].scalar_type(), eager[i].scalar_type()) << "dtype of output " << i;
    if (arbitrary) continue;
    const bool exact = !eager[i].is_floating_point() && !eager[i].is_complex();
    const bool half = eager[i].scalar_type() == at::kHalf || eager[i].scalar_type() == at::kBFloat16;
    const double tolerance = exact ? 0 : half ? 1e-2 : 1e-5;
    EXPECT_TRUE(at::allclose(decomposed[i], eager[i], tolerance, tolerance, /*equal_nan=*/true))
        << "output " << i << " is\n"
        << decomposed[i] << "\nand must be\n"
        << eager[i];
  }
}

class OperatorTable : public ::testing::TestWithParam<const Operator*> {
 protected:
  const Operator& entry() const { return *GetParam(); }

  c10::OperatorHandle op() const { return c10::Dispatcher::singleton().findSchema(name_of(entry())).value(); }

 private:
  at::NoGradGuard no_grad_;
};

TEST_P(OperatorTable, NamesAnOperatorOfPyTorch) {
  EXPECT_TRUE(c10::Dispatcher::singleton().findSchema(name_of(entry())).has_value());
}

TEST_P(OperatorTable, HasSamplesThatFitItsSchema) {
  ASSERT_NE(entry().samples, nullptr);
  const size_t expected = op().schema().arguments().size();
  ASSERT_FALSE(entry().samples().empty());
  for (const auto& arguments : entry().samples()) EXPECT_EQ(arguments.size(), expected) << describe(arguments);
}

TEST_P(OperatorTable, RuleGivesWhatEagerGives) {
  if (entry().meta == nullptr || entry().samples == nullptr) return;
  for (const auto& arguments : entry().samples()) {
    SCOPED_TRACE(describe(arguments));
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
  if (entry().meta == nullptr || entry().samples == nullptr) return;
  for (const auto& arguments : entry().samples()) {
    SCOPED_TRACE(describe(arguments));
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
  if (entry().meta == nullptr || entry().samples == nullptr) return;
  const auto handle = op();
  for (const auto& arguments : entry().samples()) {
    SCOPED_TRACE(describe(arguments));
    const auto context = symbolic::Context::create();
    testing::Symbolize symbolize(context);
    const testing::Arguments given(arguments, symbolize);
    const auto rule = entry().meta(Call(handle, given.list()));
    if (!context->guards().empty()) continue;
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
}

TEST_P(OperatorTable, DecompositionComputesWhatEagerComputes) {
  if (entry().decompose == nullptr || entry().samples == nullptr) return;
  for (const auto& arguments : entry().samples()) {
    SCOPED_TRACE(describe(arguments));
    const auto eager = testing::tensors_of(testing::call(op(), arguments));
    torch::jit::Stack stack = arguments;
    entry().decompose(op(), &stack);
    expect_same_values(testing::tensors_of(stack), eager, has_arbitrary_values(op()));
  }
}

INSTANTIATE_TEST_SUITE_P(Every, OperatorTable, ::testing::ValuesIn(all_operators()), [](const auto& info) {
  std::string name(info.param->name.substr(std::string_view("aten::").size()));
  std::replace_if(
      name.begin(), name.end(), [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
});

}  // namespace
}  // namespace tracejet
