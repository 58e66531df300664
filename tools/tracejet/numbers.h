#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>

/// What an option takes. CLI11's own take -1 for a number without a sign and "nan" for one that isn't negative, and
/// print the largest double.
namespace tracejet::command_line {

/// A whole number from `least` to `greatest`.
CLI::Validator whole_number(uint64_t least, uint64_t greatest);
/// A time, which isn't infinite.
CLI::Validator seconds();
/// Anything but an empty text, which scripts write where a variable of theirs is missing.
CLI::Validator something();

}  // namespace tracejet::command_line
