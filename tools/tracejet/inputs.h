#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "shapes.h"
#include <tracejet/input.h>

namespace tracejet::command_line {

/// What the command line says of a model's inputs.
class InputOptions {
 public:
  void add_to(CLI::App& command);

  /// The Inputs of a model whose forward takes tensors of these names, in order. Those that aren't mentioned are left
  /// out, as long as no later one is. Throws InvalidInput where this can't be.
  std::vector<Input> inputs(const std::vector<std::string>& parameters) const;
  /// Whether anything was said.
  bool is_empty() const;
  /// Whether anything but static shapes was said.
  bool says_more_than_shapes() const;
  NamedShapes shapes() const { return shapes_.empty() ? NamedShapes() : read_shapes(shapes_); }

 private:
  std::vector<std::string> specs_, shared_;
  std::string shapes_, least_, usual_, greatest_, dtypes_;
};

}  // namespace tracejet::command_line
