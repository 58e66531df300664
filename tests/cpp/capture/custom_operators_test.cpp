// Operators that are not ATen's, traced and run without Python.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include <tracejet/compile.h>
#include <tracejet/error.h>
#include <tracejet/trace.h>

namespace tracejet {
namespace {

using Tensors = std::vector<at::Tensor>;

const Input kRows = Input::dynamic({1, 3}, {4, 3}, {9, 3}, at::kFloat, "x");

template <typename Signature>
auto operator_of(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

at::Tensor twice(const at::Tensor& x) {
  return operator_of<at::Tensor(const at::Tensor&, double)>("tracejet_cpp::twice").call(x, 3.0);
}

CompileSettings interpreted() {
  CompileSettings settings;
  settings.engine = "aten";
  return settings;
}

TEST(CustomOperators, GiveShapesByTheirMetaKernels) {
  const Program program = trace([](const Tensors& inputs) { return Tensors{twice(inputs[0])}; }, {kRows});
  EXPECT_EQ(program.graph()->outputs()[0].value->tensor().str(), "float32[2*x_0, 3]");
  const at::Tensor x = at::randn({7, 3});
  EXPECT_TRUE(at::allclose(compile(program, interpreted()).run({x}).at(0), at::cat({x, x}).mul(3)));
}

TEST(CustomOperators, WriteToValues) {
  const auto bumped = [](const Tensors& inputs) {
    at::Tensor y = inputs[0].mul(2);
    operator_of<void(at::Tensor&)>("tracejet_cpp::bump_").call(y);
    return Tensors{y};
  };
  const Program program = trace(bumped, {kRows});
  const at::Tensor x = at::randn({5, 3});
  EXPECT_TRUE(at::allclose(compile(program, interpreted()).run({x}).at(0), x.mul(2).add(1)));
}

TEST(CustomOperators, NeedAMetaKernel) {
  const auto unknown = [](const Tensors& inputs) {
    return Tensors{operator_of<at::Tensor(const at::Tensor&)>("tracejet_cpp::unknown").call(inputs[0])};
  };
  EXPECT_THROW(trace(unknown, {kRows}), UnsupportedOperator);
  EXPECT_THROW(trace(unknown, {Input::fixed({2, 3})}), UnsupportedOperator);
}

TEST(CustomOperators, AreRefusedByOpenVino) {
  const Program program = trace([](const Tensors& inputs) { return Tensors{twice(inputs[0])}; }, {kRows});
  EXPECT_THROW(compile(program, {.engine = "openvino"}), UnsupportedOperator);
  EXPECT_EQ(compile(program).report().engines, "aten");
}

}  // namespace
}  // namespace tracejet
