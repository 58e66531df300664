#include "lowering/onnx/narrow_products.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>

#include "ir/graph.h"

namespace tracejet::onnx {

namespace {

constexpr std::array<std::string_view, 4> kProducts = {"MatMul", "Gemm", "Conv", "ConvTranspose"};

/// Operators whose result has the type of what they take first.
constexpr std::array<std::string_view, 12> kMoves = {"Reshape", "Transpose", "Unsqueeze", "Squeeze",  "Expand", "Slice",
                                                     "Gather",  "Concat",    "Pad",       "Identity", "Mul",    "Add"};

/// The tensors that are known to be float32. What isn't stays out of narrow products.
class Floats {
 public:
  explicit Floats(const Model& model) {
    for (const auto* tensors : {&model.weights, &model.constants}) {
      for (const NamedTensor& tensor : *tensors) note(tensor.name, tensor.data.scalar_type());
    }
    for (const TensorInfo& input : model.inputs) note(input.name, input.dtype);
    for (const auto& [name, value] : model.results) note(name, value->tensor().dtype);
  }

  bool has(const std::string& name) const { return names_.contains(name); }

  void follow(const OnnxNode& node) {
    const bool is_cast = node.op == "Cast" && std::get<int64_t>(node.attributes.front().value) == 1;
    const bool keeps = std::ranges::count(kMoves, node.op) + std::ranges::count(kProducts, node.op) > 0;
    if (is_cast || (keeps && has(node.inputs.front()))) names_.insert(node.outputs.front());
  }

 private:
  void note(const std::string& name, at::ScalarType dtype) {
    if (dtype == at::kFloat) names_.insert(name);
  }

  std::unordered_set<std::string> names_;
};

/// Names of nodes are unique.
OnnxNode cast(const OnnxNode& product, std::string from, std::string to, at::ScalarType dtype) {
  std::string name = product.name + "/" + to;
  return {"Cast", {std::move(from)}, {std::move(to)}, {{"to", *element_type(dtype)}}, std::move(name), product.source};
}

}  // namespace

void narrow_products(Model& model, at::ScalarType dtype) {
  Floats floats(model);
  std::unordered_set<std::string> narrowed;
  std::vector<OnnxNode> nodes;
  const std::string suffix = std::string(".") + c10::toString(dtype);
  for (OnnxNode& node : model.nodes) {
    floats.follow(node);
    const bool is_product = std::ranges::count(kProducts, node.op) > 0;
    const auto is_float = [&](const std::string& name) { return name.empty() || floats.has(name); };
    if (!is_product || !std::ranges::all_of(node.inputs, is_float)) {
      nodes.push_back(std::move(node));
      continue;
    }
    for (std::string& input : node.inputs) {
      if (input.empty()) continue;
      const std::string narrow = input + suffix;
      if (narrowed.insert(narrow).second) nodes.push_back(cast(node, input, narrow, dtype));
      input = narrow;
    }
    const std::string output = node.outputs.front();
    node.outputs.front() = output + suffix;
    OnnxNode back = cast(node, node.outputs.front(), output, at::kFloat);
    nodes.push_back(std::move(node));
    nodes.push_back(std::move(back));
  }
  model.nodes = std::move(nodes);
}

}  // namespace tracejet::onnx
