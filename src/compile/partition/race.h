#pragma once

#include <optional>
#include <string>

#include "engines/engine.h"

namespace tracejet {

/// How long two programs of one graph take at its usual sizes, in milliseconds of one call.
struct RaceTimes {
  double own;
  double rival;

  /// Clearly, and not by what such measurements vary.
  bool rival_is_faster() const;
};

/// Nullopt where nobody knows what to call them with: sizes depend on data, or the program refuses what it is given.
/// Nothing random is drawn. `own`, `rival`: made of `graph` with `inputs`.
std::optional<RaceTimes> race(const Graph& graph, const RuntimeInputs& inputs, const Executable& own,
                              const Executable& rival);

/// "1.25 ms"
std::string in_milliseconds(double milliseconds);

}  // namespace tracejet
