// The example of the README.
#include <iostream>

#include <torch/torch.h>

#include <tracejet/tracejet.h>

int main() {
  torch::nn::Sequential net(torch::nn::Linear(4, 3), torch::nn::ReLU());
  const auto x = tracejet::Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "x");
  const auto program = tracejet::trace(net, {x});
  const auto compiled = tracejet::compile(program);
  std::cout << compiled.run({at::randn({7, 4})}).at(0) << '\n';
}
