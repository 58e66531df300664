// Programs of TorchScript modules. Those of torchvision: tests/python/frontend/test_torchscript.py.
#include <cstdlib>
#include <filesystem>
#include <map>
#include <tuple>

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/serialization/import.h>

#include "message_of.h"
#include <tracejet/compile.h>
#include <tracejet/error.h>
#include <tracejet/io.h>
#include <tracejet/torchscript.h>

namespace tracejet {
namespace {

using testing::message_of;

torch::jit::Module scripted(const std::string& code) {
  torch::jit::Module module("Scripted");
  module.register_buffer("total", at::zeros({4}));
  module.register_parameter("weight", at::randn({3, 4}), /*is_buffer=*/false);
  module.register_attribute("calls", c10::IntType::get(), 0);
  module.define(code);
  return module;
}

const Input kBatch = Input::dynamic({1, 4}, {4, 4}, {16, 4}, at::kFloat, "x");

/// The program gives what the module gives at sizes from min to max.
void expect_same_as_script(const std::string& code) {
  torch::jit::Module module = scripted(code);
  const CompiledProgram compiled = compile(trace(module, {kBatch}), {.engine = "aten"});
  for (const int64_t rows : {1, 2, 4, 9, 16}) {
    const at::Tensor x = at::randn({rows, 4});
    const at::Tensor result = compiled.run({x}).at(0);
    module.buffers();  // the program has written to the same buffer
    const at::Tensor expected = module.forward({x}).toTensor();
    EXPECT_TRUE(result.sizes() == expected.sizes() && at::allclose(result, expected, 1e-4, 1e-5)) << rows << code;
  }
}

TEST(TorchScript, SizesStaySymbols) {
  expect_same_as_script(
      "def forward(self, x):\n  return torch.zeros([x.size(0) * 2, x.shape[1]]) + torch.cat([x, x])\n");
  expect_same_as_script(
      "def forward(self, x):\n  b, c = x.shape\n  return x.view(b, c // 2, -1).flatten(1) * (b / 2)\n");
  expect_same_as_script(
      "def forward(self, x):\n  s = x.size()[:-1]\n  s.append(2)\n  s.append(-1)\n  return x.reshape(s)\n");
  expect_same_as_script(
      "def forward(self, x):\n  return x + torch.arange(len(x))[:, None] + max(x.size(0), 1) + x.numel()\n");
}

TEST(TorchScript, BranchesAndLoopsGoAsConstantsSay) {
  expect_same_as_script(
      "def forward(self, x, times: int = 3):\n  for i in range(times):\n    x = x * 2 + i\n  return x\n");
  expect_same_as_script("def forward(self, x):\n  if x.dim() == 2:\n    return x.t() @ x\n  return x\n");
  expect_same_as_script(
      "def forward(self, x):\n  i = 0\n  while i < x.size(1):\n    x = x + i\n    i += 2\n  return x\n");
  expect_same_as_script(
      "def forward(self, x):\n  assert x.shape[1] == self.weight.shape[1], 'no'\n"
      "  return torch.linear(x, self.weight)\n");
}

TEST(TorchScript, ABranchOnDataIsACond) {
  expect_same_as_script(
      "def forward(self, x):\n  if bool(x.sum() > 0):\n    y = x * 2\n  else:\n    y = x - 1\n  return y + 1\n");
  expect_same_as_script("def forward(self, x):\n  if x.sum() > 0:\n    x = x * 2\n  return x + 1\n");
}

TEST(TorchScript, ABranchOnSizesIsRightOrNamesItsAxis) {
  const torch::jit::Module module =
      scripted("def forward(self, x):\n  if x.size(0) > 8:\n    return x * 2\n  return x\n");
  const std::string message = message_of<Error>([&] {
    const CompiledProgram compiled = compile(trace(module, {kBatch}), {.engine = "aten"});
    for (const int64_t rows : {1, 4, 8, 9, 16}) {
      const at::Tensor x = at::ones({rows, 4});
      EXPECT_TRUE(at::equal(compiled.run({x}).at(0), rows > 8 ? x * 2 : x)) << rows;
    }
  });
  EXPECT_NE(message.find("x[0]"), std::string::npos) << message;
  const torch::jit::Module loop =
      scripted("def forward(self, x):\n  for i in range(x.size(0)):\n    x = x + i\n  return x\n");
  EXPECT_NE(message_of<Error>([&] { trace(loop, {kBatch}); }).find("x[0]"), std::string::npos);
}

TEST(TorchScript, BuffersThatForwardWritesAreState) {
  const std::string writes[] = {"self.total += x.sum(0)", "self.total = self.total + x.sum(0)"};
  for (const std::string& write : writes) {
    torch::jit::Module module = scripted("def forward(self, x):\n  " + write + "\n  return x + self.total\n");
    const at::Tensor total = module.attr("total").toTensor();
    const CompiledProgram compiled = compile(trace(module, {kBatch}), {.engine = "aten"});
    EXPECT_TRUE(at::equal(module.attr("total").toTensor(), at::zeros({4}))) << write;
    EXPECT_TRUE(module.attr("total").toTensor().is_same(total)) << write;
    const at::Tensor x = at::ones({5, 4});
    compiled.run({x});
    EXPECT_TRUE(at::equal(compiled.run({x}).at(0), x + 10)) << write;
  }
}

TEST(TorchScript, AttributesThatForwardSetsAreRefused) {
  const torch::jit::Module module = scripted("def forward(self, x):\n  self.calls += 1\n  return x * self.calls\n");
  EXPECT_NE(message_of<UnsupportedOperator>([&] { trace(module, {kBatch}); }).find("calls"), std::string::npos);
  EXPECT_EQ(module.attr("calls").toInt(), 0);
}

TEST(TorchScript, DataDependentLoopsAreRefused) {
  const torch::jit::Module module =
      scripted("def forward(self, x):\n  while bool(x.sum() < 100):\n    x = x * 2\n  return x\n");
  const std::string message = message_of<DataDependent>([&] { trace(module, {kBatch}); });
  EXPECT_NE(message.find("torch.where, torch.cond"), std::string::npos) << message;
}

TEST(TorchScript, AnErrorNamesTheLineOfTheScript) {
  const torch::jit::Module module = scripted("def forward(self, x):\n  return x.view(7, 3)\n");
  const std::string message = message_of<Error>([&] { trace(module, {Input::fixed({2, 4}, at::kFloat, "x")}); });
  EXPECT_NE(message.find("view"), std::string::npos) << message;
  EXPECT_NE(message.find(":2 in TorchScript"), std::string::npos) << message;
}

TEST(TorchScript, AWrongNumberOfInputsIsRefused) {
  const torch::jit::Module module = scripted("def forward(self, x):\n  return x\n");
  EXPECT_NE(message_of<InvalidInput>([&] { trace(module, {kBatch, kBatch}); }).find("got 2"), std::string::npos);
}

TEST(TorchScript, WhatForwardTakesIsNamed) {
  const torch::jit::Module module = scripted("def forward(self, x, k: int, y):\n  return x * k + y\n");
  const std::string count = message_of<InvalidInput>([&] { trace(module, {kBatch, kBatch}); });
  EXPECT_NE(count.find("(x: Tensor, k: int, y: Tensor), got 2"), std::string::npos) << count;
  const std::string kind = message_of<InvalidInput>([&] { trace(module, {kBatch, kBatch, kBatch}); });
  EXPECT_NE(kind.find("takes a int as k"), std::string::npos) << kind;
}

TEST(TorchScript, AModuleWithoutForwardIsRefused) {
  const torch::jit::Module other = scripted("def run(self, x):\n  return x\n");
  const std::string message = message_of<InvalidInput>([&] { trace(other, {kBatch}); });
  EXPECT_NE(message.find("no forward; its methods are run"), std::string::npos) << message;
  EXPECT_NE(message_of<InvalidInput>([&] { diagnose(other, {kBatch}); }).find("no forward"), std::string::npos);
  EXPECT_NE(message_of<InvalidInput>([&] { trace(torch::jit::Module(), {kBatch}); }).find("no forward"),
            std::string::npos);
}

TEST(TorchScript, ArgumentsMayBeMoreThanTensors) {
  const torch::jit::Module module = scripted(
      "def forward(self, parts: List[Tensor], state: Tuple[Tensor, int], named: Dict[str, Tensor], times: int,\n"
      "            rate: float, sizes: List[float], negates: bool, how: str, mask: Optional[Tensor] = None):\n"
      "  x = (parts[0] + parts[1]) * times * rate + named['z'] * sizes[1]\n"
      "  if negates:\n    x = -x\n"
      "  if how == 'add':\n    x = x + state[0] * state[1]\n"
      "  if mask is None:\n    x = x + 1\n  return x\n");
  const auto row = [](const char* name) { return Input::dynamic({1, 4}, {4, 4}, {16, 4}, at::kFloat, name); };
  Input a = row("a"), b = row("b"), c = row("c"), z = row("z");
  for (Input* each : {&a, &b, &c, &z}) each->shared_dims = {{0, "rows"}};
  for (const std::string how : {"add", "not"}) {
    const auto call = arguments(std::vector{a, b}, std::make_tuple(c, 3), std::map<std::string, Input>{{"z", z}}, 2, 5,
                                std::vector{1, 7}, true, how, std::nullopt);
    EXPECT_TRUE(diagnose(module, call).error.empty());
    const CompiledProgram compiled = compile(trace(module, call), {.engine = "aten"});
    for (const int64_t rows : {1, 4, 16}) {
      std::vector<at::Tensor> given;
      for (int i = 0; i < 4; ++i) given.push_back(at::randn({rows, 4}));
      const at::Tensor sum = -((given[0] + given[1]) * 10 + given[3] * 7);
      EXPECT_TRUE(at::allclose(compiled.run(given).at(0), (how == "add" ? sum + given[2] * 3 : sum) + 1, 1e-4, 1e-5));
    }
  }
}

TEST(TorchScript, ArgumentsOfAnotherTypeAreRefused) {
  const torch::jit::Module module =
      scripted("def forward(self, x, times: int, names: List[str]):\n  return x * times\n");
  const auto refusal = [&](auto... parts) {
    return message_of<InvalidInput>([&] { trace(module, arguments(kBatch, parts...)); });
  };
  const std::vector<std::string> names = {"a"};
  EXPECT_NE(refusal(2.5, names).find("takes a int as times, got a Double"), std::string::npos) << refusal(2.5, names);
  EXPECT_NE(refusal(2, std::vector{1}).find("takes a List[str] as names, got a "), std::string::npos);
  EXPECT_NE(refusal(kBatch, names).find("tracejet::arguments()"), std::string::npos) << refusal(kBatch, names);
  EXPECT_NE(refusal(2).find("(x: Tensor, times: int, names: List[str]), got 2"), std::string::npos) << refusal(2);
  EXPECT_EQ(refusal(2, std::vector<std::string>()), "nothing was thrown");
}

TEST(TorchScript, ContainersAndClassesOfTheLanguageAreUnderstood) {
  expect_same_as_script("def forward(self, x):\n  return x[:, self.total.long()]\n");
  expect_same_as_script("def forward(self, x):\n  d = {'a': x, 'b': x * 2}\n  a, b = d['a'], d['b']\n  return a + b\n");
  expect_same_as_script(
      "def forward(self, x):\n  t = (x, x + 1, x + 2)\n  u, v = t[1:]\n  l = [u, v]\n  p, q = l\n  return p * q\n");
  expect_same_as_script(
      "def forward(self, x, mask: Optional[Tensor] = None):\n  if mask is not None:\n    x = x * mask\n"
      "  return x\n");
  expect_same_as_script(
      "def part(self, x, n: int):\n  return x * n\ndef forward(self, x):\n  return self.part(x, x.size(0))\n");
}

/// Each file `NAME.SIZExSIZE.pt` of TRACEJET_SCRIPTS is traced with a batch of 1 to 8 and saved beside it.
TEST(TorchScript, FilesOfAFolder) {
  const char* folder = std::getenv("TRACEJET_SCRIPTS");
  if (folder == nullptr) GTEST_SKIP() << "TRACEJET_SCRIPTS names no folder";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".pt") continue;
    std::vector<int64_t> low{1}, best{2}, high{8};
    std::string sizes = entry.path().stem().extension().string().substr(1);
    for (size_t at = 0; at < sizes.size();
         at = sizes.find('x', at) == std::string::npos ? sizes.size() : sizes.find('x', at) + 1) {
      const int64_t size = std::stoll(sizes.substr(at));
      for (auto* shape : {&low, &best, &high}) shape->push_back(size);
    }
    try {
      const Program program = trace(torch::jit::load(entry.path()), {Input::dynamic(low, best, high, at::kFloat, "x")});
      save(program, std::filesystem::path(entry.path()).replace_extension(".pt2"));
    } catch (const std::exception& error) {
      ADD_FAILURE() << entry.path() << ": " << error.what();
    }
  }
}

}  // namespace
}  // namespace tracejet
