// ONNX: QuantizeLinear-19, DequantizeLinear-19, Cast-19.
#include "lowering/onnx/network_types.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <ATen/ops/ones.h>

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

/// Operators that only move what they take first.
constexpr std::array<std::string_view, 8> kPlaces = {"Reshape", "Transpose", "Unsqueeze", "Squeeze",
                                                     "Expand",  "Slice",     "Gather",    "Identity"};

/// Who reads which tensor.
class Readers {
 public:
  explicit Readers(const Model& model) {
    for (const OnnxNode& node : model.nodes) {
      for (const std::string& input : node.inputs) readers_[input].push_back(&node);
    }
    for (const TensorInfo& output : model.outputs) given_.insert(output.name);
  }

  /// Whether a tensor is only moved and cast, or dequantized, so that nobody sees whether it is an integer.
  bool only_cast(const std::string& name) const {
    if (given_.contains(name)) return false;
    const auto found = readers_.find(name);
    return found == readers_.end() || std::ranges::all_of(found->second, [&](const OnnxNode* reader) {
             if (reader->inputs.front() != name || std::ranges::count(reader->inputs, name) != 1) return false;
             if (reader->op == "Cast" || reader->op == "DequantizeLinear") return true;
             return std::ranges::count(kPlaces, reader->op) > 0 && dequantizes_nowhere(reader->outputs.front());
           });
  }

  bool is_only_dequantized(const std::string& name) const {
    const auto found = readers_.find(name);
    return found == readers_.end() || std::ranges::all_of(found->second, [&](const OnnxNode* reader) {
             return reader->op == "DequantizeLinear" || reader->op == "QuantizeLinear";
           });
  }

 private:
  /// only_cast(), and by casts alone.
  bool dequantizes_nowhere(const std::string& name) const {
    const auto found = readers_.find(name);
    const auto dequantizes = [](const OnnxNode* reader) { return reader->op == "DequantizeLinear"; };
    return only_cast(name) && (found == readers_.end() || std::ranges::none_of(found->second, dequantizes));
  }

  std::unordered_map<std::string, std::vector<const OnnxNode*>> readers_;
  std::unordered_set<std::string> given_;
};

}  // namespace

void dequantize_weights(Model& model) {
  const Readers readers(model);
  const std::string one = "one.float";
  std::unordered_map<std::string, std::string> floats;
  std::vector<OnnxNode> nodes;
  for (const auto* tensors : {&model.weights, &model.constants}) {
    for (const auto& [name, data] : *tensors) {
      if (data.scalar_type() != at::kChar || readers.is_only_dequantized(name) || !readers.only_cast(name)) continue;
      const std::string as_float = floats[name] = name + ".float";
      nodes.push_back({"DequantizeLinear", {name, one}, {as_float}, {}, "dequantized/" + name});
    }
  }
  if (nodes.empty()) return;
  model.constants.push_back({one, at::ones({})});
  for (OnnxNode& node : model.nodes) {
    const auto known = floats.find(node.inputs.empty() ? "" : node.inputs.front());
    if (known != floats.end() && node.op != "DequantizeLinear") node.inputs.front() = known->second;
    nodes.push_back(std::move(node));
  }
  model.nodes = std::move(nodes);
}

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
