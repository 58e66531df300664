#pragma once

#include <functional>
#include <memory>

#include "engines/aten/graphs/recorder.h"
#include "engines/aten/interpreter.h"

namespace tracejet::aten {

using MakeRecorder = std::function<std::unique_ptr<Recorder>(c10::Device)>;

/// Runs a program on one device, and repeats recordings of what it called for inputs that are laid out alike. The
/// first call of a layout runs as it is, the second one is recorded behind it, later ones are replayed. Where recording
/// fails it says so once, and the program runs as it is from then on.
///
/// `most`: of so many layouts recordings are kept, those that were called last.
std::unique_ptr<Executable> make_replaying(std::unique_ptr<Interpreted> program, std::shared_ptr<const Graph> graph,
                                           const RuntimeInputs& inputs, c10::Device device, size_t most,
                                           MakeRecorder make_recorder);

}  // namespace tracejet::aten
