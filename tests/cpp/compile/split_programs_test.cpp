// Programs that are split between engines: together they give what the whole gives.
#include <set>

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <gtest/gtest.h>

#include "compile/partition/build.h"
#include "compile/program_runner.h"
#include "engines/reference.h"
#include "engines/registry.h"
#include "ir/call.h"
#include "ir/symbol_binding.h"
#include "picky_engine.h"
#include "registered_engine.h"
#include "tracejet/trace.h"

namespace tracejet {
namespace {

using testing::error_of;
using testing::parts_of;
using testing::Picky;
using testing::picky;
using testing::reference;
using testing::Registered;
using testing::says;

using Tensors = std::vector<at::Tensor>;

/// What the whole gives, for a program that is split between an engine that takes these and PyTorch's kernels.
void expect_same_when_split(const Program& program, const std::set<std::string>& taken,
                            const std::vector<Tensors>& calls, size_t least_parts = 2) {
  const auto graph = program.graph();
  CompileSettings settings;
  settings.min_block_size = 1;
  const RuntimeInputs inputs = runtime_inputs_of(*graph);
  const BuiltProgram built = build(graph, *graph, inputs, {{picky(taken), reference()}, true, {"", ""}}, settings);
  EXPECT_GE(built.plan.parts.size(), least_parts) << parts_of(built.plan) << " where " << *taken.begin() << " is taken";
  EXPECT_TRUE(built.notes.empty());
  const auto whole = reference_engine().compile(graph, inputs, {});
  for (const Tensors& call : calls) {
    RuntimeSizes sizes;
    Tensors given;
    size_t next = 0;
    for (const size_t input : inputs) {
      const GraphInput& described = graph->inputs()[input];
      given.push_back(described.kind == GraphInput::Kind::kUser ? call.at(next++) : described.data);
      for_each_bound_symbol(*described.value, [&](const SymbolBinding& bound) {
        sizes.bind(bound.symbol.id, given.back().size(bound.axis));
      });
    }
    const auto expected = whole->run(given, sizes);
    const auto got = built.executable->run(given, sizes);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      if (expected[i].isTensor()) {
        EXPECT_TRUE(at::equal(got[i].toTensor(), expected[i].toTensor())) << i << "\n" << parts_of(built.plan);
      } else {
        EXPECT_EQ(got[i], expected[i]);
      }
    }
  }
}

const Input kRowsOfFour = Input::dynamic({1, 4}, {3, 4}, {9, 4}, at::kFloat, "x");

TEST(SplitPrograms, GiveWhatTheWholeGives) {
  const at::Tensor weight = at::randn({4, 4});
  const Program program = trace(
      [weight](const Tensors& x) {
        const at::Tensor y = at::relu(at::linear(x[0], weight));
        return Tensors{y.exp() + y, (y.exp() * 2).view({-1, 2}), x[0], weight};
      },
      {kRowsOfFour});
  expect_same_when_split(program, {"aten::relu", "aten::add", "aten::mul", "aten::view"},
                         {{at::randn({1, 4})}, {at::randn({9, 4})}});
}

TEST(SplitPrograms, KnowSizesThatEarlierPartsComputed) {
  const Program program = trace(
      [](const Tensors& x) {
        const at::Tensor where = (x[0] > 0).nonzero();
        const at::Tensor flat = where.reshape({-1});
        return Tensors{flat + 1, flat.neg(), where.sum(0)};
      },
      {kRowsOfFour});
  const std::vector<Tensors> calls = {{at::randn({5, 4})}, {-at::rand({2, 4})}, {at::rand({1, 4})}};
  for (const char* taken : {"aten::gt", "aten::nonzero", "aten::view", "aten::add", "aten::neg", "aten::sum"}) {
    expect_same_when_split(program, {taken}, calls);
  }
  expect_same_when_split(program, {"aten::gt", "aten::view", "aten::neg"}, calls, 3);
}

/// `.item()` and what a program makes of it, on both sides of the cut.
TEST(SplitPrograms, ReadNumbersInEveryPartThatNeedsThem) {
  const Program program = trace(
      [](const Tensors& x) {
        const at::Scalar total = x[0].sum().item();
        return Tensors{x[0] * total, (x[0].exp() + total).neg(), x[0].neg() * total};
      },
      {kRowsOfFour});
  const std::vector<Tensors> calls = {{at::randn({5, 4})}, {at::randn({1, 4})}};
  for (const std::set<std::string>& taken : {std::set<std::string>{"aten::sum"},
                                             {"aten::mul", "aten::_local_scalar_dense"},
                                             {"aten::exp", "aten::add"},
                                             {"aten::neg", "aten::sum"},
                                             {"aten::sum", "aten::mul", "aten::_local_scalar_dense"}}) {
    expect_same_when_split(program, taken, calls);
  }
}

TEST(SplitPrograms, RestoreTheLayoutThatElementsAreCountedIn) {
  const Program program = trace([](const Tensors& x) { return Tensors{x[0].t().exp().as_strided({2, 3}, {1, 2}, 1)}; },
                                {Input::fixed({3, 4}, at::kFloat)});
  class Contiguous final : public Picky {
   public:
    Contiguous() : Picky("picky", {"aten::exp", "aten::t", "aten::permute", "aten::transpose"}) {}
    std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                        const CompileSettings& settings) const override {
      class Dense final : public Executable {
       public:
        explicit Dense(std::unique_ptr<Executable> inner) : inner_(std::move(inner)) {}
        std::vector<c10::IValue> run(Tensors inputs, const RuntimeSizes& sizes) const override {
          auto results = inner_->run(std::move(inputs), sizes);
          for (c10::IValue& result : results) result = result.toTensor().contiguous();
          return results;
        }

       private:
        std::unique_ptr<Executable> inner_;
      };
      return std::make_unique<Dense>(Picky::compile(graph, inputs, settings));
    }
  };
  const auto graph = program.graph();
  const RuntimeInputs inputs = runtime_inputs_of(*graph);
  CompileSettings settings;
  settings.min_block_size = 1;
  const BuiltProgram built =
      build(graph, *graph, inputs, {{std::make_shared<Contiguous>(), reference()}, true, {"", ""}}, settings);
  ASSERT_EQ(built.plan.parts.size(), 2) << parts_of(built.plan);
  const at::Tensor x = at::randn({3, 4});
  EXPECT_TRUE(at::equal(built.executable->run({x}, {}).at(0).toTensor(),
                        reference_engine().compile(graph, inputs, {})->run({x}, {}).at(0).toTensor()));
}

class Failing final : public Picky {
 public:
  Failing(std::set<std::string> taken, bool fails_in_run) : Picky("failing", std::move(taken)), in_run_(fails_in_run) {}
  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                      const CompileSettings& settings) const override {
    require_supported(*this, graph, inputs, settings);
    if (!in_run_) throw std::runtime_error("the beads are gone");
    class Thrower final : public Executable {
      std::vector<c10::IValue> run(Tensors, const RuntimeSizes&) const override {
        throw std::runtime_error("the beads got lost on the way");
      }
    };
    return std::make_unique<Thrower>();
  }

 private:
  bool in_run_;
};

const Program& mixed_program() {
  static const Program program = trace(
      [](const Tensors& x) {
        const at::Tensor y = x[0].exp() + x[0];
        return Tensors{y.exp() * x[0]};
      },
      {kRowsOfFour});
  return program;
}

CompileSettings split_with(std::vector<std::string> engines) {
  CompileSettings settings{.engine = std::move(engines)};
  settings.min_block_size = 1;
  return settings;
}

at::Tensor expected_of_mixed(const at::Tensor& x) { return (x.exp() + x).exp() * x; }

TEST(SplitPrograms, LeaveTheirPartToTheNextEngineWhereOneFailsToBuildIt) {
  const Registered failing(std::make_shared<Failing>(std::set<std::string>{"aten::exp"}, false));
  const CompiledProgram compiled = compile(mixed_program(), split_with({"failing"}));
  const CompileReport report = compiled.report();
  EXPECT_EQ(report.engines, "aten");
  ASSERT_EQ(report.notes.size(), 2);  // of each part
  for (const std::string& note : report.notes) {
    EXPECT_TRUE(says(note, "failing failed to build 1 node"));
    EXPECT_TRUE(says(note, "the beads are gone"));
  }
  EXPECT_TRUE(says(report.str(), "failed to build it: the beads are gone"));
  const at::Tensor x = at::randn({5, 4});
  EXPECT_TRUE(at::equal(compiled.run({x}).at(0), expected_of_mixed(x)));
  CompileSettings strict = split_with({"failing"});
  strict.pass_through_build_failures = true;
  EXPECT_THROW(compile(mixed_program(), strict), std::runtime_error);
}

TEST(SplitPrograms, SayWhatAnEngineThrowsInARun) {
  const Registered failing(std::make_shared<Failing>(std::set<std::string>{"aten::exp"}, true));
  const CompiledProgram compiled = compile(mixed_program(), split_with({"failing"}));
  EXPECT_EQ(compiled.report().engines, "failing, aten");
  EXPECT_THROW(compiled.run({at::randn({5, 4})}), std::runtime_error);
}

TEST(SplitPrograms, ReportWhatRunsWhereAndWhy) {
  const Registered picky(std::make_shared<Picky>("picky", std::set<std::string>{"aten::exp"}));
  const CompileReport report = compile(mixed_program(), split_with({"picky", "aten"})).report();
  EXPECT_EQ(report.preferred, "picky");
  EXPECT_EQ(report.nodes(), 4);
  EXPECT_EQ(report.nodes_on_preferred(), 2);
  ASSERT_EQ(report.parts.size(), 4);
  EXPECT_EQ(report.parts[0].inputs, std::vector<std::string>{"x: float32[x_0, 4]"});
  ASSERT_EQ(report.fallbacks.size(), 2);
  EXPECT_EQ(report.fallbacks[0].op, "aten::add.Tensor");
  EXPECT_TRUE(says(report.str(), "picky runs 2 of 4 nodes (50.0%), in 4 parts with picky, aten"));
  EXPECT_TRUE(says(report.str(), "aten::mul.Tensor runs on aten, for in picky it isn't picked"));
}

TEST(SplitPrograms, AreOnlyPlannedInADryRun) {
  CompileSettings settings;
  settings.dryrun = true;
  const CompiledProgram planned = compile(mixed_program(), settings);
  EXPECT_EQ(planned.report().engines, "openvino");
  EXPECT_THROW(planned.run({at::ones({2, 4})}), InvalidInput);
}

TEST(SplitPrograms, MayBeRefused) {
  CompileSettings settings = split_with({"openvino"});
  settings.torch_executed_ops = {"aten.exp"};
  EXPECT_EQ(compile(mixed_program(), settings).report().engines, "aten, openvino");
  settings.require_full_compilation = true;
  const std::string error = error_of([&] { compile(mixed_program(), settings); });
  EXPECT_TRUE(says(error, "require_full_compilation: openvino can't run 2 operators"));
  EXPECT_TRUE(says(error, "aten::exp is named by torch_executed_ops (\"aten::exp\") (2 times)"));
}

TEST(CompileSettings, OfASplitMustMakeSense) {
  EXPECT_TRUE(says(error_of([] { compile(mixed_program(), {.torch_executed_ops = {"aten.nothing"}}); }),
                   "PyTorch has no operator \"aten::nothing\""));
  EXPECT_TRUE(says(error_of([] { compile(mixed_program(), {.engine = "aten", .torch_executed_ops = {"aten.exp"}}); }),
                   "write [\"aten\"] to split it"));
  EXPECT_THROW(compile(mixed_program(), {.min_block_size = 0}), InvalidInput);
  EXPECT_THROW(compile(mixed_program(), split_with({"aten", "aten"})), InvalidInput);
  EXPECT_THROW(compile(mixed_program(), split_with({"abacus"})), InvalidInput);
  EXPECT_THROW(compile(mixed_program(), split_with({})), InvalidInput);
  EXPECT_TRUE(CompileSettings().engine.is_auto());
}

}  // namespace
}  // namespace tracejet
