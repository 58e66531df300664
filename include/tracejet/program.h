#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/core/SymInt.h>

#include <tracejet/input.h>
#include <tracejet/trace.h>

namespace tracejet {

/// What a program takes, as it would be declared to trace(): one Input for each tensor, in their order. Axes that
/// always have the same size share a name.
std::vector<Input> inputs_of(const Program& program);

/// Lowers a program anew, as `run_decompositions` of torch.export does: its calls are traced as forward's would be,
/// with other decompositions, and keep their lines and modules. For programs that `load` has read, whoever wrote them;
/// nothing of Python is run.
///
/// Throws UnsupportedOperator, ShapeError or ConstraintViolation where it can't be traced for all sizes that it takes.
Program trace(const Program& program, const TraceOptions& options = {});

/// A tensor that a program has beside its inputs. It is that of the model or the file, not a copy.
struct ProgramTensor {
  enum class Kind { kParameter, kBuffer, kConstant };
  Kind kind = Kind::kParameter;
  std::string name;  ///< the path in the model; of a constant, a name of its own
  at::Tensor data;
};
std::vector<ProgramTensor> tensors_of(const Program& program);

class Node;
class ProgramNode;
class Value;

/// A tensor of a program, or a number that only exists when it runs (the result of `.item()`). A handle: cheap to copy,
/// it keeps the program's graph alive.
class ProgramValue {
 public:
  ProgramValue(std::shared_ptr<const Graph> graph, const Value& value) : graph_(std::move(graph)), value_(&value) {}

  /// As Program::str() has it: "%7".
  std::string name() const;
  /// "%7: float32[batch, 4]"
  std::string str() const;
  bool is_tensor() const;
  /// Of a tensor, as the next two: Error where it is a number.
  at::ScalarType dtype() const;
  c10::Device device() const;
  /// Symbolic where they vary.
  std::span<const c10::SymInt> sizes() const;
  /// The call that gives it; nothing for an input and a weight.
  std::optional<ProgramNode> producer() const;
  /// The calls that take it, each once, in no order.
  std::vector<ProgramNode> users() const;
  /// Whether the program gives it, or writes it to a buffer or an input.
  bool is_output() const;

  bool operator==(const ProgramValue& other) const { return value_ == other.value_; }
  /// For tracejet's own code.
  const Value& value() const { return *value_; }

 private:
  std::shared_ptr<const Graph> graph_;
  const Value* value_;
};

/// What a call takes in one place of its schema: a constant (a number, a list of them, None, …; sizes may be symbolic),
/// a value, or a list of values (nothing where a list of optional tensors has None).
using ProgramArgument = std::variant<c10::IValue, ProgramValue, std::vector<std::optional<ProgramValue>>>;

/// One call of an operator. A handle, as ProgramValue is.
class ProgramNode {
 public:
  ProgramNode(std::shared_ptr<const Graph> graph, const Node& node) : graph_(std::move(graph)), node_(&node) {}

  /// "aten::add.Tensor"
  std::string op() const;
  /// "%7: float32[batch, 4] = aten::add.Tensor(self=%3, other=%5, alpha=1)"
  std::string str() const;
  /// By the names of the schema, all of them, defaults filled in.
  std::vector<std::pair<std::string, ProgramArgument>> arguments() const;
  /// Throws InvalidInput where the schema has none of that name, ...
  ProgramArgument argument(std::string_view name) const;
  /// ... or it is no value.
  ProgramValue value(std::string_view name) const;
  /// Lists flattened; without those that are undefined.
  std::vector<ProgramValue> outputs() const;
  /// The line of the model and its module; empty where nobody knows.
  std::string where() const;
  /// What control flow runs.
  std::vector<std::vector<ProgramNode>> bodies() const;

  bool operator==(const ProgramNode& other) const { return node_ == other.node_; }
  /// For tracejet's own code.
  const Node& node() const { return *node_; }

 private:
  std::shared_ptr<const Graph> graph_;
  const Node* node_;
};

/// The calls of a program in the order in which they run.
std::vector<ProgramNode> nodes_of(const Program& program);
/// What it takes: tensors alone, in the order of inputs_of().
std::vector<ProgramValue> arguments_of(const Program& program);

/// Runs a program with PyTorch's kernels, call by call, on the tensors that it takes. For one run: compile() is for
/// many. Throws InvalidInput, naming input and axis, where an input isn't what was traced.
std::vector<at::Tensor> run(const Program& program, const std::vector<at::Tensor>& inputs);

}  // namespace tracejet
