#pragma once

#include <cstdint>
#include <string>

namespace tracejet {

/// One line of the user's program.
struct SourceFrame {
  std::string file;
  std::string function;
  int64_t line = 0;
  /// The text of that line, without indentation; empty where the file can't be read.
  std::string text() const;
};

}  // namespace tracejet
