#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include <tracejet/compile.h>

namespace tracejet::command_line {

/// How a program is to be compiled.
class SettingOptions {
 public:
  /// `has_engine`: whether the command has no option --engine of its own.
  void add_to(CLI::App& command, bool has_engine = true);
  CompileSettings settings() const;
  /// Whether anything was said.
  bool is_empty() const;

 private:
  std::vector<std::string> engines_, others_;
  std::string precision_, cache_dir_;
  int threads_ = 0;
};

}  // namespace tracejet::command_line
