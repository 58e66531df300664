#pragma once

#include <functional>
#include <memory>

#include "engines/engine.h"
#include "engines/recording/recorder.h"

namespace tracejet::recording {

using MakeRecorder = std::function<std::unique_ptr<Recorder>(c10::Device)>;

/// What is repeated.
struct Repeatable {
  std::unique_ptr<Executable> executable;
  /// What it runs. Its weights and the user's inputs are told apart by it.
  std::shared_ptr<const Graph> graph;
  RuntimeInputs inputs;
  /// Runs it, noting each call before the next one, so that an error can name the one that can't be recorded. Empty
  /// where nobody can tell.
  std::function<std::vector<c10::IValue>(std::vector<at::Tensor>, const RuntimeSizes&, const Node*& last)> run_noting =
      {};
};

/// Runs a program on one device, and repeats recordings of what it called for inputs that are laid out alike. The
/// first call of a layout runs as it is, the second one is recorded behind it, later ones are replayed. Where recording
/// fails it says so once, and the program runs as it is from then on.
///
/// `most`: of so many layouts recordings are kept, those that were called last.
std::unique_ptr<Executable> make_replaying(Repeatable program, c10::Device device, size_t most,
                                           MakeRecorder make_recorder);

}  // namespace tracejet::recording
