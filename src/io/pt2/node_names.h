#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace tracejet::pt2 {

/// The names of a graph's nodes, as torch.fx gives them: "add", "add_1", and "max_1" where Python has a `max` itself.
class NodeNames {
 public:
  /// A name that no other node has.
  std::string unique(std::string_view wanted);
  /// Keeps others from having this name.
  void take(std::string name) { taken_.insert(std::move(name)); }

 private:
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int64_t> counts_;  ///< by name without its number
};

}  // namespace tracejet::pt2
