#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "answer.h"

/// Each adds its arguments and options to a command, and gives what the command does once they are read.
namespace tracejet::command_line {

using Run = std::function<Answer()>;

Run show(CLI::App& command);
Run check(CLI::App& command);
Run engines(CLI::App& command);
Run trace(CLI::App& command);
Run lower(CLI::App& command);
Run compile(CLI::App& command);
Run run(CLI::App& command);
Run bench(CLI::App& command);

}  // namespace tracejet::command_line
