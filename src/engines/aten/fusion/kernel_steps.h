#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"

namespace tracejet::aten {

/// One variable of a kernel, and how it comes to be.
struct KernelStep {
  enum class Kind : uint8_t {
    kLoad,  ///< of an element of an input
    kEach,  ///< from elements at the same place
    kRow,   ///< one number for a row, from such
    kSum,   ///< of a row
    kMax,
  };
  Kind kind;
  std::string_view type;
  std::string text;              ///< $0 stands for the first of its operands
  std::vector<size_t> operands;  ///< steps before it
  size_t input = 0;              ///< of a load
  size_t pass = 0;               ///< over the row, in which it is computed
  int64_t half = 0;              ///< of a row, where a load takes an element from as far behind or before it
};

/// What a kernel computes, step by step.
struct KernelSteps {
  std::vector<KernelStep> steps;
  std::vector<size_t> outputs;  ///< the step of each result
  size_t passes = 1;            ///< how often it goes over a row; a row's sums are known after one
  bool has_rows = false;
};

/// The sizes that the results have together; rows are along the last one.
const Sizes& space_of(const Graph& body);

/// The steps of a graph, all of whose nodes are in pointwise_ops.h or row_ops.h.
KernelSteps steps_of(const Graph& body);

}  // namespace tracejet::aten
