#pragma once

#include <initializer_list>
#include <string>
#include <utility>
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

/// The name of the engine that comes first.
std::string default_engine();

/// Which engines run a program.
class EngineChoice {
 public:
  /// "auto": a program is split between the engines that run on its devices, in the order of engines(). Any other name:
  /// this engine runs all of it.
  EngineChoice(std::string name = "auto") : names_{std::move(name)}, may_split_(names_.front() == "auto") {}
  EngineChoice(const char* name) : EngineChoice(std::string(name)) {}
  /// A program is split between these, each node to the first that takes it. PyTorch's kernels ("aten") come last,
  /// where they aren't named.
  EngineChoice(std::vector<std::string> names) : names_(std::move(names)), may_split_(true) {}
  EngineChoice(std::initializer_list<std::string> names) : EngineChoice(std::vector<std::string>(names)) {}

  const std::vector<std::string>& names() const { return names_; }
  bool may_split() const { return may_split_; }
  bool is_auto() const { return names_.size() == 1 && names_.front() == "auto"; }
  bool operator==(const EngineChoice&) const = default;

 private:
  std::vector<std::string> names_;
  bool may_split_;
};

}  // namespace tracejet
