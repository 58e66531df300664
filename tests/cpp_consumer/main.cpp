// Traces a small network without Python, prints its program, saves it, compiles it, runs it and verifies it.
#include <iostream>

#include <ATen/ops/allclose.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>

#include <tracejet/compile.h>
#include <tracejet/io.h>
#include <tracejet/trace.h>
#include <tracejet/verify.h>
#include <tracejet/version.h>

int main() {
  const at::Tensor weight = at::randn({5, 16});
  const auto forward = [&](const std::vector<at::Tensor>& inputs) {
    return std::vector<at::Tensor>{at::relu(at::linear(inputs[0], weight))};
  };
  const tracejet::Input x = tracejet::Input::dynamic({1, 16}, {2, 16}, {8, 16}, at::kFloat, "x");
  const tracejet::Program program = tracejet::trace(forward, {x}, {.parameters = {{"weight", weight}}, .buffers = {}});
  std::cout << "tracejet " << tracejet::version() << '\n' << program.str() << '\n';
  tracejet::save(program, "program.pt2");

  const tracejet::CompiledProgram compiled = tracejet::compile(program);
  const at::Tensor batch = at::randn({7, 16});
  const bool same = at::allclose(compiled.run({batch})[0], forward({batch})[0], /*rtol=*/1e-4, /*atol=*/1e-5);
  std::cout << (same ? "The compiled program computes the same." : "The results differ!") << '\n';

  const tracejet::Verification verification = tracejet::verify(program, compiled);
  std::cout << verification.str() << '\n';
  return same && verification.ok() ? 0 : 1;
}
