// compile(verify=...) from C++: an engine that goes wrong at one operator is made for it.
#include "verify/verified_compile.h"

#include <csignal>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tanh.h>
#include <gtest/gtest.h>

#include "engines/reference.h"
#include "ir/call.h"
#include "message_of.h"
#include "registered_engine.h"
#include "tracejet/compile.h"
#include "tracejet/verify.h"

namespace tracejet {
namespace {

using testing::Registered;

enum class Fault { kNone, kAddsOne, kThrows, kCrashes };

/// Runs programs call by call with PyTorch's kernels, and goes wrong at relu.
class FaultyExecutable final : public Executable {
 public:
  FaultyExecutable(std::shared_ptr<const Graph> graph, RuntimeInputs inputs, Fault fault)
      : graph_(std::move(graph)), inputs_(std::move(inputs)), fault_(fault) {}

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes&) const override {
    return run_observed(graph_, inputs_, std::move(inputs), [this](const Node& node, std::span<c10::IValue> outputs) {
      if (Call(node).name() != "aten::relu") return;
      if (fault_ == Fault::kThrows) throw Error("no relu today");
      if (fault_ == Fault::kCrashes) ::raise(SIGKILL);
      if (fault_ == Fault::kAddsOne) outputs[0] = outputs[0].toTensor() + 1;
    });
  }

 private:
  std::shared_ptr<const Graph> graph_;
  RuntimeInputs inputs_;
  Fault fault_;
};

class Faulty final : public Engine {
 public:
  explicit Faulty(Fault fault) : fault_(fault) {}

  std::string name() const override { return "faulty"; }
  std::string fingerprint() const override { return "1"; }
  bool runs_on(c10::Device device) const override { return device.is_cpu(); }
  std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>&, const RuntimeInputs&,
                                            const CompileSettings&) const override {
    return {};
  }
  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                      const CompileSettings&) const override {
    return std::make_unique<FaultyExecutable>(graph, inputs, fault_);
  }

 private:
  Fault fault_;
};

/// tanh(relu(linear(x))), for 1 to 8 rows.
Program layers(const at::Tensor& weight) {
  const auto forward = [weight](const std::vector<at::Tensor>& inputs) {
    return std::vector{at::tanh(at::relu(at::linear(inputs[0], weight)))};
  };
  return trace(forward, {Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "x")});
}

CompileSettings settings_with(const std::string& verify, bool in_child = false) {
  CompileSettings settings;
  settings.min_block_size = 1;
  settings.engine = EngineChoice(std::vector<std::string>{"faulty"});
  settings.verify = verify;
  settings.verify_in_child_process = in_child;
  return settings;
}

void expect_repaired(Fault fault, bool in_child) {
  const Registered engine(std::make_shared<Faulty>(fault));
  const at::Tensor weight = at::randn({4, 4});
  const CompiledProgram compiled = compile(layers(weight), settings_with("repair", in_child));
  const CompileReport report = compiled.report();
  ASSERT_EQ(report.fallbacks.size(), 1U) << report.str();
  EXPECT_EQ(report.fallbacks[0].op, "aten::relu");
  EXPECT_EQ(report.parts.size(), 3U);
  ASSERT_EQ(report.notes.size(), 1U);
  EXPECT_NE(report.notes[0].find("first in aten::relu"), std::string::npos) << report.notes[0];
  const at::Tensor x = at::randn({3, 4});
  EXPECT_TRUE(at::allclose(compiled.run({x})[0], at::tanh(at::relu(at::linear(x, weight)))));
}

TEST(VerifiedCompile, LeavesToPyTorchWhatAnEngineGetsWrong) { expect_repaired(Fault::kAddsOne, false); }
TEST(VerifiedCompile, LeavesToPyTorchWhatAnEngineThrowsAt) { expect_repaired(Fault::kThrows, false); }
TEST(VerifiedCompile, FindsACrashInAChildProcess) { expect_repaired(Fault::kCrashes, true); }

TEST(VerifiedCompile, ThrowsWhereADifferenceIsAnError) {
  const Registered engine(std::make_shared<Faulty>(Fault::kAddsOne));
  const Program program = layers(at::randn({4, 4}));
  const std::string message = testing::message_of<VerificationError>([&] { compile(program, settings_with("error")); });
  EXPECT_NE(message.find("faulty, at min"), std::string::npos) << message;
  EXPECT_NE(message.find("first in aten::relu"), std::string::npos) << message;
}

TEST(VerifiedCompile, IsSilentWhereNothingIsWrong) {
  const Registered engine(std::make_shared<Faulty>(Fault::kNone));
  const CompileReport report = compile(layers(at::randn({4, 4})), settings_with("error", true)).report();
  EXPECT_TRUE(report.notes.empty()) << report.str();
  EXPECT_EQ(report.engines, "faulty");
}

}  // namespace
}  // namespace tracejet
