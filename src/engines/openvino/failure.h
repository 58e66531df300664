#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "lowering/onnx/model.h"
#include "report/unsupported.h"

namespace tracejet::openvino {

/// Finds the operator of the program that an error of OpenVINO is about: OpenVINO names a node of the ONNX model.
class FailureLocator {
 public:
  explicit FailureLocator(const onnx::Model& model);

  /// Null where the error names no node that comes from one of the program.
  const Node* node_of(const std::string& error) const;
  /// All whose names are in a text, each once, in its order.
  std::vector<const Node*> nodes_in(const std::string& text) const;
  /// The refusal that an error comes down to. Throws UnsupportedOperator where it is about no node of the program.
  Unsupported refusal(const std::string& error) const;

 private:
  std::unordered_map<std::string, const Node*> nodes_;  // by the ONNX node's name
};

/// What an error of OpenVINO comes down to, without the places in its source code.
std::string essence_of(const std::string& error);

}  // namespace tracejet::openvino
