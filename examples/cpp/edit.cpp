// Opens a .pt2 file, changes its program, and saves it again: what was trained to give logits gives probabilities.
//
//   edit model.pt2 edited.pt2
#include <iostream>
#include <stdexcept>
#include <string>

#include <torch/torch.h>

#include <tracejet/tracejet.h>

void change(const std::string& from, const std::string& to) {
  const tracejet::Program program = tracejet::load(from);
  for (const tracejet::ProgramNode& node : tracejet::nodes_of(program)) std::cout << node.str() << '\n';

  tracejet::ProgramEditor editor(program);
  const tracejet::ProgramNode last = editor.nodes().back();
  const tracejet::ProgramValue logits = last.outputs().at(0);
  const auto sigmoid = [](const std::vector<torch::Tensor>& in) { return std::vector{torch::sigmoid(in[0])}; };
  editor.replace(logits, editor.insert_after(last, sigmoid, {logits}).at(0));
  const tracejet::Program edited = editor.program();
  tracejet::save(edited, to);

  for (const int64_t batch : {1, 7, 1024}) {
    const torch::Tensor x = torch::rand({batch, 2}) * 2 - 1;
    const torch::Tensor expected = torch::sigmoid(tracejet::run(program, {x}).at(0));
    if (!torch::allclose(tracejet::run(tracejet::load(to), {x}).at(0), expected, /*rtol=*/1e-4, /*atol=*/1e-5)) {
      throw std::runtime_error("The edited program differs for a batch of " + std::to_string(batch) + ".");
    }
  }
  std::cout << "The edited program gives probabilities. Written to " << to << ".\n";
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: edit model.pt2 edited.pt2\n";
    return 2;
  }
  try {
    change(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
