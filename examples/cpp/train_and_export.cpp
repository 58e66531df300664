// Trains a small network, exports it with a dynamic batch, opens the file, compiles it, and compares: no Python
// anywhere.
//
//   train_and_export [model.pt2]
#include <iostream>

#include <torch/torch.h>

#include <tracejet/tracejet.h>

/// Learns whether a point lies inside of a circle.
struct Net : torch::nn::Module {
  Net() : hidden(2, 32), norm(32), out(32, 1) {
    register_module("hidden", hidden);
    register_module("norm", norm);
    register_module("out", out);
  }
  torch::Tensor forward(const torch::Tensor& points) { return out(torch::relu(norm(hidden(points)))).squeeze(-1); }

  torch::nn::Linear hidden;
  torch::nn::BatchNorm1d norm;
  torch::nn::Linear out;
};

void train(Net& net) {
  torch::optim::Adam optimizer(net.parameters(), 0.01);
  for (int step = 0; step < 300; ++step) {
    const torch::Tensor points = torch::rand({256, 2}) * 2 - 1;
    const torch::Tensor inside = (points.square().sum(-1) < 0.5).to(torch::kFloat);
    const torch::Tensor loss = torch::binary_cross_entropy_with_logits(net.forward(points), inside);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    if (step % 100 == 99) std::cout << "step " << step + 1 << ", loss " << loss.item<float>() << '\n';
  }
}

bool export_and_compare(Net& net, const std::string& path) {
  const auto points = tracejet::Input::dynamic({1, 2}, {64, 2}, {1024, 2}, torch::kFloat, "points");
  const tracejet::Program program = tracejet::trace(net, {points});
  tracejet::save(program, path);  // torch.export.load opens it, too
  std::cout << program.str() << '\n';

  const tracejet::CompiledProgram compiled = tracejet::compile(tracejet::load(path));
  const torch::NoGradGuard no_grad;
  for (const int64_t batch : {1, 7, 64, 1024}) {
    const torch::Tensor x = torch::rand({batch, 2}) * 2 - 1;
    if (!torch::allclose(compiled.run({x}).at(0), net.forward(x), /*rtol=*/1e-3, /*atol=*/1e-4)) {
      std::cerr << "The results differ for a batch of " << batch << ".\n";
      return false;
    }
  }
  std::cout << "The compiled program computes the same. Written to " << path << ".\n";
  return true;
}

int main(int argc, char** argv) {
  try {
    torch::manual_seed(0);
    Net net;
    train(net);
    net.eval();
    return export_and_compare(net, argc > 1 ? argv[1] : "model.pt2") ? 0 : 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
