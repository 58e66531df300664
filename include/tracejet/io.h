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

}  // namespace tracejet
