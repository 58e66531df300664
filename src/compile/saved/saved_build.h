#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/shared_bytes.h"

namespace tracejet {

/// What a file keeps of an earlier build: which nodes engines refused, and what they compiled. Nodes are counted in the
/// order of execution, of the graph as engines get it (see prepare.h).
struct SavedBuild {
  struct Refusal {
    size_t node;
    std::string reason;
  };
  struct Part {
    std::string engine;
    std::string fingerprint;
    std::vector<size_t> nodes;
    /// For Engine::load; nullopt where the engine had nothing to keep.
    std::optional<SharedBytes> bytes;
    /// Why the bytes can't be had; empty where they can.
    std::string problem;
  };

  uint32_t program = 0;  ///< program_checksum() of the graph
  std::vector<std::string> engines;
  std::vector<std::vector<Refusal>> refused;  ///< by engine
  std::vector<Part> parts;
  std::vector<std::string> notes;  ///< what couldn't be kept
};

}  // namespace tracejet
