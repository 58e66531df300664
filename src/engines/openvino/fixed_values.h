#pragma once

#include <memory>
#include <unordered_map>

#include <openvino/core/model.hpp>

namespace tracejet::openvino {

struct Fixed {
  bool is_fixed = false;   ///< follows from constants
  bool is_folded = false;  ///< by operators that OpenVINO folds
};

/// What each node of the model gives.
std::unordered_map<const ov::Node*, Fixed> fixed_nodes(const ov::Model& model);

/// The model with constants in place of what follows from constants by operators that OpenVINO doesn't fold. It
/// computes such a value once, and lets the arithmetic behind it write over it.
std::shared_ptr<ov::Model> with_fixed_values(const std::shared_ptr<ov::Model>& model);

}  // namespace tracejet::openvino
