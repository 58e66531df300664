// Opens a .pt2 file, compiles its program once and serves it from several threads.
//
//   serve model.pt2 [threads] [requests]
#include <atomic>
#include <chrono>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <torch/torch.h>

#include <tracejet/tracejet.h>

/// Tensors of random sizes in the ranges that the program takes; axes of one name have one size.
std::vector<torch::Tensor> random_request(const std::vector<tracejet::Input>& inputs, std::mt19937& random) {
  std::map<std::string, int64_t> named;
  std::vector<torch::Tensor> request;
  for (const tracejet::Input& input : inputs) {
    std::vector<int64_t> shape;
    for (size_t axis = 0; axis < input.min_shape.size(); ++axis) {
      int64_t size = std::uniform_int_distribution<int64_t>(input.min_shape[axis], input.max_shape[axis])(random);
      const auto name = input.shared_dims.find(static_cast<int64_t>(axis));
      if (name != input.shared_dims.end()) size = named.try_emplace(name->second, size).first->second;
      shape.push_back(size);
    }
    request.push_back(torch::randn(shape, input.dtype));
  }
  return request;
}

int answer(int argc, char** argv) {
  const int thread_count = argc > 2 ? std::stoi(argv[2]) : 4;
  const int request_count = argc > 3 ? std::stoi(argv[3]) : 200;
  const tracejet::Program program = tracejet::load(argv[1]);
  const tracejet::CompiledProgram compiled = tracejet::compile(program);
  const std::vector<tracejet::Input> inputs = tracejet::inputs_of(program);

  std::atomic<int> next = 0, wrong = 0;
  const auto serve = [&](unsigned seed) {
    const torch::NoGradGuard no_grad;
    std::mt19937 random(seed);
    while (next++ < request_count) {  // run() may be called from any number of threads
      const std::vector<torch::Tensor> request = random_request(inputs, random);
      const torch::Tensor answer = compiled.run(request).at(0);
      const torch::Tensor expected = tracejet::run(program, request).at(0);  // with PyTorch's kernels
      if (!torch::allclose(answer, expected, /*rtol=*/1e-3, /*atol=*/1e-4)) ++wrong;
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

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: serve model.pt2 [threads] [requests]\n";
    return 2;
  }
  try {
    return answer(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
