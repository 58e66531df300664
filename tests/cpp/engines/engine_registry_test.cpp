// An engine of somebody else's: it takes aten::add alone, and everything that asks engines knows it.
#include <algorithm>
#include <atomic>
#include <regex>
#include <thread>
#include <unordered_map>

#include <ATen/TensorOperators.h>
#include <ATen/ops/add.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "compile/settings.h"
#include "engines/engine.h"
#include "engines/registry.h"
#include "ir/call.h"
#include "message_of.h"
#include "registered_engine.h"
#include "tracejet/compile.h"
#include "tracejet/trace.h"
#include "tracejet/verify.h"

namespace tracejet {
namespace {

class Sums final : public Executable {
 public:
  Sums(std::shared_ptr<const Graph> graph, RuntimeInputs inputs)
      : graph_(std::move(graph)), inputs_(std::move(inputs)) {}

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override {
    std::unordered_map<const Value*, at::Tensor> values;
    for (const GraphInput& input : graph_->inputs()) values[input.value] = input.data;
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Value* value = graph_->inputs()[inputs_[i]].value;
      if (sizes.evaluate(value->tensor().sizes) != inputs[i].sizes()) throw Error("the sizes are those of another run");
      values[value] = inputs[i];
    }
    for (const Node& node : graph_->nodes()) {
      const Call call(node);
      values[node.outputs()[0]] =
          at::add(values.at(&call.value("self")), values.at(&call.value("other")), call.scalar("alpha"));
    }
    std::vector<c10::IValue> results;
    for (const GraphOutput& output : graph_->outputs()) results.emplace_back(values.at(output.value));
    return results;
  }

 private:
  std::shared_ptr<const Graph> graph_;
  RuntimeInputs inputs_;
};

class Adder : public Engine {
 public:
  std::string name() const override { return "adder"; }
  std::string fingerprint() const override { return "adder 1"; }
  bool runs_on(c10::Device device) const override { return device.is_cpu(); }

  std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>& graph, const RuntimeInputs&,
                                            const CompileSettings&) const override {
    std::vector<Unsupported> found;
    for (const Node& node : graph->nodes()) {
      if (Call(node).name() != "aten::add.Tensor") found.push_back({&node, "is no sum"});
    }
    return found;
  }

  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                      const CompileSettings& settings) const override {
    require_supported(*this, graph, inputs, settings);
    return std::make_unique<Sums>(graph, inputs);
  }
};

Program program_of(const Forward& forward) {
  return trace(forward, {Input::dynamic({1, 3}, {2, 3}, {8, 3}, at::kFloat, "x")});
}

Program sum_program() {
  const at::Tensor weight = at::randn({3});
  return program_of([weight](const std::vector<at::Tensor>& x) { return std::vector{x[0] + weight + x[0]}; });
}

using testing::message_of;
using testing::Registered;

TEST(EngineRegistry, CompilesAndVerifiesWithAnEngineThatWasRegistered) {
  const Registered adder(std::make_shared<Adder>());
  const Program program = sum_program();
  EXPECT_TRUE(find_unsupported(program, "adder").empty());
  EXPECT_TRUE(find_warnings(program, "adder").empty());
  const CompiledProgram compiled = compile(program, {.engine = "adder"});
  for (const int64_t rows : {1, 8}) {
    const at::Tensor x = at::randn({rows, 3});
    EXPECT_TRUE(at::equal(compiled.run({x}).at(0), compile(program, {.engine = "aten"}).run({x}).at(0)));
  }
  EXPECT_THROW(compiled.run({at::ones({9, 3})}), InvalidInput);
  const Verification verification = verify(program, compiled);
  EXPECT_TRUE(verification.ok()) << verification.str();
  EXPECT_EQ(verification.engine, "adder");
}

TEST(EngineRegistry, RefusesEverythingThatTheEngineDoesNotTakeAtOnce) {
  const Registered adder(std::make_shared<Adder>());
  const Program program =
      program_of([](const std::vector<at::Tensor>& x) { return std::vector{(x[0] * x[0] + x[0]).exp()}; });
  const auto calls = find_unsupported(program, "adder");
  ASSERT_EQ(calls.size(), 2);
  EXPECT_EQ(calls[0].op, "aten::mul.Tensor");
  EXPECT_EQ(calls[1].op, "aten::exp");
  const std::string message = message_of<UnsupportedOperator>([&] { compile(program, {.engine = "adder"}); });
  const std::regex lines_of_code("    [^\n]*engine_registry_test.cpp:[^\n]*\n");  // where debug information is read
  EXPECT_EQ(std::regex_replace(message, lines_of_code, ""),
            "adder can't run 2 operators of this program:\n"
            "  aten::exp is no sum\n"
            "    float32[x_0, 3] -> float32[x_0, 3]\n"
            "  aten::mul.Tensor is no sum\n"
            "    float32[x_0, 3], float32[x_0, 3] -> float32[x_0, 3]\n"
            "The engine \"aten\" runs every program.");
}

TEST(EngineRegistry, ListsEnginesInOrder) {
  const auto names = [] {
    std::vector<std::string> names;
    for (const EngineInfo& engine : engines()) names.push_back(engine.name);
    return names;
  };
  EXPECT_EQ(names(), (std::vector<std::string>{"openvino", "aten"}));
  EXPECT_EQ(default_engine(), "openvino");
  const Registered adder(std::make_shared<Adder>());
  EXPECT_EQ(names(), (std::vector<std::string>{"openvino", "aten", "adder"}));
  EXPECT_EQ(engines().back().fingerprint, "adder 1");
}

TEST(EngineRegistry, NamesAreUniqueAndKnown) {
  const Program program = sum_program();
  EXPECT_EQ(message_of<InvalidInput>([&] { compile(program, {.engine = "adder"}); }),
            "there is no engine \"adder\": choose openvino or aten");
  EXPECT_EQ(message_of<InvalidInput>([&] { compile(program, {.engine = "onnx"}); }),
            "there is no engine \"onnx\": choose openvino or aten");
  EXPECT_EQ(message_of<InvalidInput>([&] { find_unsupported(program, "adder"); }),
            "there is no engine \"adder\" to check for: choose openvino, aten or onnx");
  const Registered adder(std::make_shared<Adder>());
  EXPECT_EQ(message_of<InvalidInput>([] { register_engine(std::make_shared<Adder>()); }),
            "there is an engine \"adder\" already");
  EXPECT_EQ(message_of<InvalidInput>([&] { compile(program, {.engine = "abacus"}); }),
            "there is no engine \"abacus\": choose openvino, aten or adder");
  EXPECT_THROW(unregister_engine("abacus"), InvalidInput);
  EXPECT_THROW(unregister_engine("openvino"), InvalidInput);
}

TEST(EngineRegistry, SettingsThatAnEngineCannotHonourAreErrors) {
  const Registered adder(std::make_shared<Adder>());
  const Program program = sum_program();
  EXPECT_EQ(message_of<InvalidInput>([&] { compile(program, {.engine = "adder", .precision = at::kHalf}); }),
            "precision is Half, but adder computes float32 in float32: leave it, or convert the model");
  EXPECT_EQ(message_of<InvalidInput>([&] { compile(program, {.engine = "adder", .threads = 2}); }),
            "threads is 2, but adder takes no number");
  EXPECT_NO_THROW(
      compile(program, {.engine = "aten", .precision = at::kBFloat16}));  // of products, of which it has none
}

TEST(EngineRegistry, SettingsOfOneEngineAreSettings) {
  for (const auto& [engine, names] : own_settings()) {
    for (const std::string_view name : names) {
      EXPECT_EQ(std::ranges::count(settings_table(), name, &Setting::name), 1) << engine << "'s " << name;
    }
  }
  EXPECT_EQ(message_of<InvalidInput>([] { check_own_settings({.skipped_passes = {"all"}}, {"openvino"}); }),
            "skipped_passes is a setting of aten, which isn't among the engines of this program: openvino");
}

TEST(EngineRegistry, WhatIsCompiledOutlivesItsEngine) {
  const Program program = sum_program();
  const CompiledProgram compiled = [&] {
    const Registered adder(std::make_shared<Adder>());
    return compile(program, {.engine = "adder"});
  }();
  EXPECT_THROW(compile(program, {.engine = "adder"}), InvalidInput);
  EXPECT_EQ(compiled.run({at::ones({2, 3})}).at(0).sizes(), at::IntArrayRef({2, 3}));
}

TEST(EngineRegistry, ServesSeveralThreadsAtOnce) {
  const Program program = sum_program();
  std::atomic<int> failures = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      class Named final : public Adder {
       public:
        explicit Named(std::string name) : name_(std::move(name)) {}
        std::string name() const override { return name_; }

       private:
        std::string name_;
      };
      const std::string name = "adder" + std::to_string(thread);
      for (int i = 0; i < 20; ++i) {
        const Registered adder(std::make_shared<Named>(name));
        const at::Tensor sum = compile(program, {.engine = name}).run({at::ones({2, 3})}).at(0);
        if (sum.size(0) != 2 || engines().size() < 3) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(engines().size(), 2);
}

class Broken final : public Adder {
 public:
  std::string name() const override { return "broken"; }
  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>&, const RuntimeInputs&,
                                      const CompileSettings&) const override {
    throw std::out_of_range("the abacus has no beads left");
  }
};

TEST(EngineRegistry, ErrorsOfAnEngineComeThroughAsTheyAre) {
  const Registered broken(std::make_shared<Broken>());
  EXPECT_EQ(message_of<std::out_of_range>([] { compile(sum_program(), {.engine = "broken"}); }),
            "the abacus has no beads left");
}

}  // namespace
}  // namespace tracejet
