// Compiles a program once and serves it from several threads.
//
//   serve [threads] [requests]
#include <atomic>
#include <chrono>
#include <iostream>
#include <random>
#include <thread>
#include <vector>

#include <torch/torch.h>

#include <tracejet/tracejet.h>

int main(int argc, char** argv) {
  const int thread_count = argc > 1 ? std::stoi(argv[1]) : 4;
  const int request_count = argc > 2 ? std::stoi(argv[2]) : 200;
  torch::nn::Sequential net(torch::nn::Linear(64, 128), torch::nn::ReLU(), torch::nn::Linear(128, 10));
  net->eval();

  const auto x = tracejet::Input::dynamic({1, 64}, {8, 64}, {32, 64}, torch::kFloat, "x");
  const tracejet::CompiledProgram compiled = tracejet::compile(tracejet::trace(net, {x}));

  std::atomic<int> next = 0, wrong = 0;
  const auto serve = [&](unsigned seed) {
    const torch::NoGradGuard no_grad;
    std::mt19937 random(seed);
    while (next++ < request_count) {  // run() may be called from any number of threads
      const torch::Tensor request = torch::randn({std::uniform_int_distribution<int64_t>(1, 32)(random), 64});
      const torch::Tensor answer = compiled.run({request}).at(0);
      if (!torch::allclose(answer, net->forward(request), /*rtol=*/1e-3, /*atol=*/1e-4)) ++wrong;
    }
  };
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < thread_count; ++i) threads.emplace_back(serve, i);
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << request_count << " requests on " << thread_count << " threads in " << took.count() << " s; " << wrong
            << " wrong answers\n";
  return wrong == 0 ? 0 : 1;
}
