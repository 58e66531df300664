#pragma once

#include <string>

namespace tracejet::command_line {

enum class FileKind {
  kProgram,  ///< a .pt2 file, compiled or not
  kScript,   ///< TorchScript
  kTensors,  ///< of torch.save
  kOther,    ///< none of these, or a damaged one
};

/// By what is in it, whatever its name. Throws InvalidInput where there is no such file.
FileKind kind_of(const std::string& path);

}  // namespace tracejet::command_line
