#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "shapes.h"
#include <tracejet/trace.h>

namespace tracejet::command_line {

/// What a program is run on: tensors of files, or random ones.
class ValueOptions {
 public:
  void add_to(CLI::App& command);
  /// One tensor for each input of the program. `shapes`: of random ones, in the place of the "opt" sizes.
  std::vector<at::Tensor> values(const Program& program, const NamedShapes& shapes) const;

 private:
  std::string size_ = "opt";
  uint64_t seed_ = 0;
  std::vector<std::string> files_;
};

/// Writes tensors: one as `.npy`, any number of them as a tuple in a `.pt` file, which torch.load reads.
void save_tensors(const std::vector<at::Tensor>& tensors, const std::string& path);

}  // namespace tracejet::command_line
