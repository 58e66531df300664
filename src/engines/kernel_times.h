#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "ir/graph.h"
#include "ir/model_line.h"

namespace tracejet {

/// What an engine took for one kernel, which runs a node or several that it has fused.
struct KernelTime {
  size_t part = 0;                     ///< of the program's plan
  std::string kernel;                  ///< in the engine's words: "FullyConnected brgemm_avx512"
  std::vector<std::string> operators;  ///< of the nodes, the first one's first
  ModelLine line;                      ///< of the first node
  int64_t calls = 0;
  double microseconds = 0;  ///< of all calls
};

/// While one lives, engines that can say how long their kernels take note it, for what this thread runs. Runs take
/// longer then, and the first one compiles again what only measures if it is asked to beforehand.
class KernelTimes {
 public:
  KernelTimes();
  KernelTimes(const KernelTimes&) = delete;
  KernelTimes& operator=(const KernelTimes&) = delete;
  ~KernelTimes();

  /// That of this thread, or null.
  static KernelTimes* current();

  /// `nodes`: at least one, of `graph`.
  void add(const std::string& kernel, std::span<const Node* const> nodes, const Graph& graph, double microseconds);

  /// What was noted, in the order in which it ran first.
  std::vector<KernelTime> take();

  /// What runs while it lives is a part of the program. Parts of the bodies of control flow belong to the part around.
  class InPart {
   public:
    explicit InPart(size_t part);
    InPart(const InPart&) = delete;
    InPart& operator=(const InPart&) = delete;
    ~InPart();

   private:
    KernelTimes* times_;  ///< null where there is nothing to do at the end
  };

 private:
  KernelTimes* before_;
  std::optional<size_t> part_;
  std::map<std::tuple<size_t, const Node*, std::string>, KernelTime> times_;
  std::vector<KernelTime*> order_;
};

}  // namespace tracejet
