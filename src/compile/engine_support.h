#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compile/cache/cached_engines.h"
#include "engines/engine.h"
#include "ir/graph.h"
#include "report/unsupported.h"

namespace tracejet {

/// Operator-support report: which calls of a program an engine runs, which not and why.
struct EngineSupport {
  std::map<std::string, int64_t> taken;  ///< how many calls it runs, by operator
  std::vector<Unsupported> unsupported;  ///< the calls that it can't run, in the program's order
  std::vector<Unsupported> warnings;     ///< the calls that it runs, but otherwise for some data
};

/// Asks the engine of this name about every call, without compiling.
/// Throws InvalidInput where there is no such engine, or where it doesn't run on the program's device.
EngineSupport engine_support_of(const std::shared_ptr<const Graph>& graph, const std::string& engine);

/// Throws InvalidInput where the engine doesn't run on the device that the program is for.
void check_device(const Graph& graph, const Engine& engine);

/// Compiles. A refusal also says which engine takes more.
std::shared_ptr<const Executable> compile_or_advise(const Engine& engine, const std::shared_ptr<const Graph>& graph,
                                                    const RuntimeInputs& inputs, CachedEngines& cached);

}  // namespace tracejet
