#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include "ir/assertion.h"
#include "report/unsupported.h"
#include "symbolic/expression.h"

namespace tracejet {
class Node;
class Value;
}  // namespace tracejet

namespace tracejet::onnx {

/// The version of ONNX's operators that the conversions speak.
inline constexpr int64_t kOpset = 20;

/// ONNX's number for a data type; nullopt where it has none (quantised types).
std::optional<int64_t> element_type(at::ScalarType dtype);

struct Attribute {
  std::string_view name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>, std::vector<std::string>> value;
};

struct OnnxNode {
  std::string op;
  std::vector<std::string> inputs;  ///< an empty name leaves an optional input out
  std::vector<std::string> outputs;
  std::vector<Attribute> attributes;
  std::string name;              ///< for people: the ATen operator that it comes from
  const Node* source = nullptr;  ///< the node of the graph that it comes from; null for those of outputs
};

/// An input or output: its axes are sizes or, where they are dynamic, names.
struct TensorInfo {
  using Axis = std::variant<int64_t, std::string>;
  std::string name;
  at::ScalarType dtype;
  std::vector<Axis> shape;
  bool is_used = true;  ///< of an input: some output depends on it
};

/// A tensor known when compiling.
struct NamedTensor {
  std::string name;
  at::Tensor data;
};

/// A number that follows from the sizes of the inputs and that whoever runs the model computes and hands over. One that
/// is a size comes as the shape [value, 0] of an input without elements: so its range is known to the model's reader.
/// Any other is the one element of its input.
struct NumberInput {
  std::string name;
  symbolic::Expression value;
  bool is_shape;
  at::ScalarType dtype;
};

/// How a model in bytes refers to its weights.
enum class WeightForm {
  kInputs,      ///< as inputs after the real ones: the engine is given the memory and nothing is copied
  kReferences,  ///< as initialisers that say their type and shape, their data in a file of the given name
  kEmbedded,    ///< as initialisers with their data
};

/// An ONNX model. Weights are shared with the program that it comes from; constants are small and its own.
struct Model {
  std::vector<TensorInfo> inputs;
  std::vector<NumberInput> numbers;            ///< further inputs
  std::vector<TensorInfo> outputs;             ///< those of the program, then one boolean for each of `checks`
  std::vector<std::string> checks;             ///< what to say where such a boolean is false
  std::vector<RuntimeAssertion> requirements;  ///< of the sizes of inputs, to be checked before the model runs
  std::vector<NamedTensor> weights;
  std::vector<NamedTensor> constants;
  std::vector<OnnxNode> nodes;
  std::vector<std::pair<std::string, const Value*>> results;  ///< the tensors that are values of the graph
  std::vector<Unsupported> warnings;                          ///< see Lowering::warnings()
  /// Where int64 inputs have to lie for the model's reader to compute what the program says.
  int64_t int64_min = std::numeric_limits<int64_t>::min();
  int64_t int64_max = std::numeric_limits<int64_t>::max();

  /// The model as a serialised ModelProto. `weights_file` is needed with kReferences.
  std::string serialize(WeightForm form, std::string_view weights_file = {}) const;

  /// Writes a file for other tools (ONNX Runtime, Netron). Weights beyond what protobuf can hold go to a second file
  /// beside it, `<path>.data`.
  void save(const std::filesystem::path& path) const;
};

}  // namespace tracejet::onnx
