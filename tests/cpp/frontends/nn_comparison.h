#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <tracejet/compile.h>
#include <tracejet/io.h>
#include <tracejet/nn_module.h>

namespace tracejet::testing {

using Tensors = std::vector<at::Tensor>;

inline bool is_close(const Tensors& a, const Tensors& b) {
  return a.size() == b.size() && std::ranges::equal(a, b, [](const at::Tensor& one, const at::Tensor& other) {
           return one.sizes() == other.sizes() && at::allclose(one, other, /*rtol=*/1e-4, /*atol=*/1e-5);
         });
}

/// With TRACEJET_KEEP_PT2=folder: the inputs, and what the module itself gives for them.
inline void keep_calls(const std::string& name, const std::vector<Tensors>& inputs,
                       const std::vector<Tensors>& outputs) {
  const char* folder = std::getenv("TRACEJET_KEEP_PT2");
  if (folder == nullptr) return;
  const auto bytes = torch::pickle_save(c10::ivalue::Tuple::create(c10::IValue(inputs), c10::IValue(outputs)));
  std::ofstream(std::filesystem::path(folder) / (name + ".pt"), std::ios::binary).write(bytes.data(), bytes.size());
}

/// Traces, and holds the program against the module: all inputs one after the other, so that state (a buffer called
/// total) shows. With TRACEJET_KEEP_PT2=folder, the program is kept there.
template <typename Model>
void expect_same(const std::string& name, Model& model, const std::vector<Input>& declared,
                 const std::vector<Tensors>& inputs, const std::function<Tensors(const Tensors&)>& forward) {
  const at::NoGradGuard no_grad;
  const Program program = trace(model, declared);
  if (const char* folder = std::getenv("TRACEJET_KEEP_PT2")) {
    save(program, std::filesystem::path(folder) / (name + ".pt2"));
  }
  const CompiledProgram compiled = compile(program, {.engine = "aten"});
  std::vector<Tensors> outputs, expected;
  for (const Tensors& tensors : inputs) outputs.push_back(compiled.run(tensors));
  for (const auto& buffer : detail::callee(model).named_buffers()) {
    if (buffer.key().ends_with("total")) buffer.value().zero_();
  }
  for (const Tensors& tensors : inputs) expected.push_back(forward(tensors));
  keep_calls(name, inputs, expected);
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_TRUE(is_close(outputs[i], expected[i])) << name << " differs for " << inputs[i][0].sizes();
  }
}

}  // namespace tracejet::testing
