#include "capture/check_rule.h"

#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "helpers.h"
#include "one_call.h"
#include "operator_entries.h"
#include "ops/operator.h"

namespace tracejet {
namespace {

/// What the rule of an operator gives for its first sample, and what the check says of a changed output.
class CheckRule : public ::testing::Test {
 protected:
  CheckRule() : node_(program_.graph->nodes().front()), outputs_{TensorMeta(node_.outputs()[0]->tensor())} {}

  void check() { check_rule(Call(node_), outputs_, /*python=*/nullptr); }
  TensorMeta& output() { return std::get<TensorMeta>(outputs_[0]); }

 private:
  const c10::OperatorHandle op_ = c10::Dispatcher::singleton().findSchema({"aten::amax", ""}).value();
  testing::OneCall program_ = testing::one_call(op_, {at::ones({2, 3}), std::vector<int64_t>{0}, false}, 1);
  const Node& node_;
  std::vector<OutputMeta> outputs_;
};

TEST_F(CheckRule, TakesWhatTheMetaKernelSays) { EXPECT_NO_THROW(check()); }

TEST_F(CheckRule, RefusesAnotherSize) {
  output().sizes[0] = 4;
  EXPECT_THROW(check(), Error);
}

TEST_F(CheckRule, RefusesAnotherStride) {
  output().strides[0] = 2;
  EXPECT_THROW(check(), Error);
}

TEST_F(CheckRule, RefusesAnotherDtype) {
  output().dtype = at::kDouble;
  EXPECT_THROW(check(), Error);
}

}  // namespace
}  // namespace tracejet
