#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ir/unsupported.h"

namespace tracejet {

/// What an engine makes of a program, call by call.
struct Support {
  std::map<std::string, int64_t> taken;  ///< how many calls it runs, by operator
  std::vector<Unsupported> unsupported;  ///< the calls that it can't run, in the program's order
  std::vector<Unsupported> warnings;     ///< the calls that it runs, but otherwise for some data
};

/// Asks the engine about every call, without compiling. "onnx" stands for what can be written as an ONNX file.
/// Throws InvalidInput where there is no such engine, or where it doesn't run on the program's device.
Support support_of(const Graph& graph, const std::string& engine);

/// Throws InvalidInput where the engine doesn't run on the device that the program is for.
void check_engine_device(const Graph& graph, const std::string& engine);

}  // namespace tracejet
