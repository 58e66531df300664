#pragma once

#include <string>
#include <vector>

namespace tracejet {

/// An engine as users name it.
struct EngineInfo {
  std::string name;
  /// The versions and the device that it compiles for: where two differ, what one compiled isn't for the other.
  std::string fingerprint;
};

/// Every engine that `compile` takes: those that come with tracejet, the default first, then those that were
/// registered, in order.
std::vector<EngineInfo> engines();

/// The name of the engine that runs a program where none is named.
std::string default_engine();

}  // namespace tracejet
