// Compiles the program of a .pt2 file for OpenVINO, but for its last module, and says which engine runs which part.
//
//   split model.pt2
#include <iostream>

#include <tracejet/compile.h>
#include <tracejet/io.h>

void split(const std::string& path) {
  const tracejet::Program program = tracejet::load(path);
  tracejet::CompileSettings settings{.engine = {"openvino"}};
  settings.torch_executed_modules = {"out"};
  settings.min_block_size = 1;  // so small a model would not be split
  const auto compiled = tracejet::compile(program, settings);
  std::cout << compiled.report().str() << '\n';
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: split model.pt2\n";
    return 2;
  }
  try {
    split(argv[1]);
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
