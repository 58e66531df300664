// Programs as .pt2 files. What torch.export makes of them: tests/python/io/test_pt2.py.
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <thread>
#include <unistd.h>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/topk.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "ir/graph.h"
#include <tracejet/compile.h>
#include <tracejet/error.h>
#include <tracejet/io.h>

namespace tracejet {
namespace {

/// A file of this test alone, gone afterwards. With TRACEJET_KEEP_PT2=folder, it lies there and stays.
class Pt2 : public ::testing::Test {
 protected:
  Pt2() {
    const char* kept = std::getenv("TRACEJET_KEEP_PT2");
    const auto folder = kept != nullptr ? std::filesystem::path(kept) : std::filesystem::temp_directory_path();
    const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    is_kept_ = kept != nullptr;
    path = folder / (name + (is_kept_ ? "" : std::to_string(::getpid())) + ".pt2");
  }
  ~Pt2() override {
    if (!is_kept_) std::filesystem::remove(path);
  }

  std::filesystem::path path;

 private:
  bool is_kept_;
};

TEST_F(Pt2, HoldsADynamicProgram) {
  const at::Tensor weight = at::arange(20, at::kFloat).reshape({5, 4}) / 10;
  const at::Tensor bias = at::full({5}, -0.5);
  const auto forward = [&](const std::vector<at::Tensor>& inputs) {
    const at::Tensor hidden = at::relu(at::linear(at::cat({inputs[0], inputs[1]}, 0), weight, bias));
    const auto [values, indices] = at::topk(hidden, 2);
    return std::vector<at::Tensor>{hidden.view_symint({-1}), values, indices};
  };
  const Program program = trace(forward,
                                {Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "x"),
                                 Input::dynamic({0, 4}, {2, 4}, {8, 4}, at::kFloat, "y")},
                                {{{"layer.weight", weight}, {"layer.bias", bias}}, {}});
  save(program, path);
  EXPECT_GT(std::filesystem::file_size(path), 1000u);
}

const at::Tensor& weight() {
  static const at::Tensor made = at::arange(20, at::kFloat).reshape({5, 4}) / 10;
  return made;
}

std::vector<at::Tensor> scaled(const std::vector<at::Tensor>& inputs) {
  const at::Tensor hidden = at::relu(at::linear(inputs[0], weight(), at::full({5}, -0.5)));
  return {hidden, std::get<0>(at::topk(hidden, 2)), at::full({1}, -std::numeric_limits<float>::infinity())};
}

const Input& eight_rows() {
  static const Input input = Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "x");
  return input;
}

Program traced() {
  weight();  // not while tracing
  return trace(scaled, {eight_rows()});
}

void expect_scaled(const CompiledProgram& compiled) {
  for (const int64_t size : {1, 2, 8}) {
    const at::Tensor x = at::arange(size * 4, at::kFloat).reshape({size, 4});
    const auto found = compiled.run({x}), expected = scaled({x});
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(at::allclose(found[i], expected[i])) << size << ' ' << i;
  }
  EXPECT_THROW(compiled.run({at::zeros({9, 4})}), InvalidInput);
}

TEST_F(Pt2, IsLoaded) {
  const Program program = traced();
  save(program, path);
  const Program loaded = load(path);
  EXPECT_EQ(loaded.graph()->nodes().size(), program.graph()->nodes().size());
  expect_scaled(compile(loaded, {.engine = "aten"}));
  save(loaded, path);  // in the place of the file that its weights are in
  expect_scaled(compile(load(path)));
}

TEST_F(Pt2, ThreadsTraceSaveLoadAndRunOneFile) {
  save(traced(), path);
  const auto work = [&](int thread) {
    for (int round = 0; round < 4; ++round) {
      const Program loaded = load(path);
      expect_scaled(thread % 2 == 0 ? compile(loaded) : compile(loaded, {.engine = "aten"}));
      save(thread % 2 == 0 ? loaded : traced(), path);
    }
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) threads.emplace_back(work, thread);
  for (std::thread& thread : threads) thread.join();
  expect_scaled(compile(load(path)));
}

TEST_F(Pt2, KeepsACompiledProgram) {
  const CompiledProgram compiled = compile(traced());
  compiled.save(path);
  const CompiledProgram loaded = load_compiled(path);
  expect_scaled(loaded);
  EXPECT_EQ(loaded.report().engines, compiled.report().engines);
  EXPECT_TRUE(loaded.report().notes.empty());
  expect_scaled(compile(load(path)));
}

TEST_F(Pt2, IsCompiledWhereItOnlyHasAProgram) {
  save(traced(), path);
  const CompiledProgram compiled = load_compiled(path, {.engine = "aten"});
  EXPECT_EQ(compiled.report().engines, "aten");
  expect_scaled(compiled);
}

TEST_F(Pt2, IsRefusedWhereItIsNone) {
  EXPECT_THROW(load(path), Error);
  EXPECT_THROW(load_compiled(path.parent_path()), Error);
}

TEST_F(Pt2, LeavesAFileAloneWhereItCantBeWritten) {
  const Program program =
      trace([](const std::vector<at::Tensor>& inputs) { return inputs; }, {Input::fixed({2}, at::kFloat, "x")});
  EXPECT_THROW(save(program, path / "no" / "folder.pt2"), Error);
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace tracejet
