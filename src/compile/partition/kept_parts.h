#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "compile/partition/plan.h"
#include "compile/saved/saved_build.h"
#include "engines/engine.h"

namespace tracejet {

/// Tells programs apart by the operators that they call.
uint32_t program_checksum(const Graph& graph);

/// The place of each node of a graph in the order of execution.
std::unordered_map<const Node*, size_t> places_of(const Graph& graph);

/// What was kept of an earlier build of a program, for those who build it again.
class KeptParts {
 public:
  /// `saved`: null where nothing was kept. What was kept of another program isn't used, and the notes say so.
  KeptParts(const std::shared_ptr<const Graph>& graph, const SavedBuild* saved);

  /// What the engines refused, by engine; nothing where that isn't known for exactly these engines.
  std::optional<std::vector<std::vector<Unsupported>>> refused(
      const std::vector<std::shared_ptr<const Engine>>& engines) const;

  /// What an engine makes of what was kept of this part; null where it is to be compiled, with a note where one would
  /// expect otherwise.
  std::shared_ptr<const Executable> load(const Part& part, const RuntimeInputs& inputs,
                                         const CompileSettings& settings);

  /// The engine that ran exactly these nodes; empty where that isn't known.
  std::string engine_of(const Part& part) const;

  std::vector<std::string> take_notes() { return std::move(notes_); }

 private:
  std::vector<size_t> places(const Part& part) const;
  const SavedBuild::Part* find(const Part& part) const;

  const SavedBuild* saved_;
  std::unordered_map<const Node*, size_t> places_;
  std::vector<std::string> notes_;
};

}  // namespace tracejet
