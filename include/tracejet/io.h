#pragma once

#include <string>

#include <tracejet/trace.h>

namespace tracejet {

/// Writes a program, with its weights, as a `.pt2` file that `torch.export.load` opens. Its arguments are the inputs by
/// position, and its result is the tuple of the outputs.
///
/// Throws UnsupportedOperator where the program has what such a file can't hold, and Error where the file can't be
/// written; what was there before is left alone then.
void save(const Program& program, const std::string& path);

/// Reads a program that `save` or `torch.export.save` wrote. Nothing in the file is run or unpickled, and weights are
/// mapped: they are read from the disk when they are first used, so the file has to stay as it is. The program takes
/// the tensors among its arguments by position.
///
/// Throws UnsupportedOperator where the program has what isn't known here, and Error where the file isn't there, is
/// none of that kind, or is damaged.
Program load(const std::string& path);

}  // namespace tracejet
