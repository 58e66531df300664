#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "shapes.h"
#include <tracejet/input.h>

namespace tracejet::command_line {

/// What a model's forward takes.
struct Parameters {
  std::vector<std::string> tensors;  ///< those that come first, by name: only these can be given
  std::vector<std::string> all;      ///< with their types: "x: Tensor"
};

/// What the command line says of a model's inputs.
class InputOptions {
 public:
  void add_to(CLI::App& command);

  /// The Inputs of a model, in the order of its forward. Those that aren't mentioned are left out, as long as no later
  /// one is. Throws InvalidInput where this can't be.
  std::vector<Input> inputs(const Parameters& parameters) const;
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
