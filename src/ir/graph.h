#pragma once

#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>

#include "base/location.h"
#include "ir/tensor_meta.h"

namespace tracejet::symbolic {
class Context;
class Expression;
}  // namespace tracejet::symbolic

namespace tracejet {

class Graph;
class Node;
using Nodes = std::list<Node>;

/// A tensor, or a scalar that only exists when the program runs (the result of `.item()`), in a graph.
/// Values are owned by their graph and keep their address.
class Value {
 public:
  Value(int64_t id, TensorMeta meta) : id_(id), content_(std::move(meta)) {}
  Value(int64_t id, c10::IValue scalar) : id_(id), content_(std::move(scalar)) {}

  int64_t id() const { return id_; }
  bool is_tensor() const { return std::holds_alternative<TensorMeta>(content_); }
  const TensorMeta& tensor() const { return std::get<TensorMeta>(content_); }
  /// A SymInt, SymFloat or SymBool.
  const c10::IValue& scalar() const { return std::get<c10::IValue>(content_); }
  /// The node that computes it; null for an input of the graph.
  const Node* producer() const { return producer_; }
  /// The nodes that read it, each once. The graph's outputs are no nodes: see Graph::is_output().
  std::span<const Node* const> users() const { return users_; }

  /// How many of its elements aren't zero, once that has been asked: whatever is selected by a mask has this size.
  const std::optional<c10::SymInt>& count_of_nonzero() const { return count_of_nonzero_; }
  void set_count_of_nonzero(c10::SymInt count) const { count_of_nonzero_ = std::move(count); }

 private:
  friend class Graph;
  int64_t id_;
  std::variant<TensorMeta, c10::IValue> content_;
  const Node* producer_ = nullptr;
  mutable c10::SmallVector<const Node*, 2> users_;  // kept by the graph; most values have one or two
  mutable std::optional<c10::SymInt> count_of_nonzero_;
};

/// One argument of a node, in the place of its schema's: a value, a list of values (null where a list of optional
/// tensors has None), or anything else as a constant. A constant may hold symbolic integers, alone or in a list.
/// A Tensor argument that Python gave as a plain number (`x + 1.0`) is a constant number here.
using Argument = std::variant<c10::IValue, const Value*, std::vector<const Value*>>;

/// A module whose forward is running: `layer1.0.conv1`, a `torch.nn.modules.conv.Conv2d`, called from `parent`.
struct ModuleFrame {
  std::string path;
  std::string type;
  int32_t parent = -1;  ///< index into Graph::module_frames, -1 for the root's caller
};

/// One call of an operator. Arguments are complete and in schema order, defaults filled in.
///
/// An operator of control flow (`higher_order::cond`) runs subgraphs: see ir/control_flow.h. One that writes to
/// arguments (a custom operator) writes to copies of them here, which come as further outputs after its returns.
class Node {
 public:
  Node(c10::OperatorHandle op, std::vector<Argument> arguments, Location where)
      : op_(std::move(op)), arguments_(std::move(arguments)), where_(std::move(where)) {}

  const c10::OperatorHandle& op() const { return op_; }
  std::span<const Argument> arguments() const { return arguments_; }
  /// All values that it computes, lists flattened; null where the operator returned an undefined tensor.
  std::span<Value* const> outputs() const { return outputs_; }
  /// For each return of the schema, then each copy that was written to: nullopt for a single value, or how many values
  /// its list has.
  std::span<const std::optional<size_t>> returns() const { return returns_; }
  /// What an operator of control flow runs, in its own order; empty for all others.
  std::span<const std::shared_ptr<Graph>> subgraphs() const { return subgraphs_; }
  const Location& where() const { return where_; }

 private:
  friend class Graph;
  c10::OperatorHandle op_;
  std::vector<Argument> arguments_;
  std::vector<Value*> outputs_;
  std::vector<std::optional<size_t>> returns_;
  Location where_;
  std::vector<std::shared_ptr<Graph>> subgraphs_;
  Nodes::iterator place_;
};

struct GraphInput {
  enum class Kind { kParameter, kBuffer, kConstant, kUser };
  Kind kind;
  /// Null for a user's input that is no tensor (a number, a string, None), which the graph doesn't depend on.
  const Value* value;
  /// Parameter, buffer: its path in the module. Constant: a name of its own. User: the argument's name.
  std::string name;
  /// The data of a parameter, buffer or constant: shared with the module, never copied. Undefined for a user's input.
  at::Tensor data;
  bool persistent = true;  ///< of a buffer: it is part of the state dict
};

struct GraphOutput {
  enum class Kind { kUser, kBufferMutation, kInputMutation };
  Kind kind;
  /// Null for a user's output that is no tensor; `literal` holds it where it is a number, possibly symbolic.
  const Value* value;
  c10::IValue literal;
  /// Mutations: index into inputs() of the buffer or user's input that takes this value.
  size_t target = 0;
};

/// What one output of a new node is: a tensor, a list of tensors, a runtime scalar, or nothing (undefined tensor).
using OutputMeta = std::variant<std::monostate, TensorMeta, std::vector<TensorMeta>, c10::IValue>;

/// A program as straight-line code: inputs, nodes in the order of execution, outputs. Free of views and in-place
/// writes. Every symbol of its shapes is the size of an input's axis, or comes from a node (a data-dependent size). A
/// subgraph also knows the symbols of the graph around it.
class Graph {
 public:
  explicit Graph(std::shared_ptr<symbolic::Context> shapes)
      : shapes_(std::move(shapes)), module_frames_(std::make_shared<std::vector<ModuleFrame>>()) {}
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  const Value* add_input(GraphInput::Kind kind, std::optional<TensorMeta> meta, std::string name, at::Tensor data = {},
                         bool persistent = true);
  Node& add_node(c10::OperatorHandle op, std::vector<Argument> arguments, std::vector<OutputMeta> outputs,
                 Location where, std::vector<std::shared_ptr<Graph>> subgraphs = {});
  /// Adds `aten::_assert_scalar` on a condition, which has to hold when the program runs: before all other nodes, or,
  /// where it depends on data, right after the last of its numbers is known. `from_around`: the ids of numbers that a
  /// subgraph is given.
  /// Throws UnsupportedOperator where one of these numbers is known inside of control flow only.
  void add_assertion(const symbolic::Expression& condition, const std::string& message, Location where,
                     const std::unordered_set<uint64_t>& from_around = {});
  /// An empty graph of the same symbols and modules, for a piece that control flow runs.
  std::shared_ptr<Graph> make_subgraph() const;
  /// Orders the inputs by kind; outputs that refer to them by index follow.
  void order_inputs();
  void add_output(GraphOutput output) { outputs_.push_back(std::move(output)); }
  int32_t add_module_frame(ModuleFrame frame);

  // What passes do. Nodes and values are this graph's own. What would leave a wrong graph is refused: Error, which
  // names the node, and nothing is changed.

  /// As add_node(), in front of a node.
  Node& insert_node(const Node& before, c10::OperatorHandle op, std::vector<Argument> arguments,
                    std::vector<OutputMeta> outputs, Location where,
                    std::vector<std::shared_ptr<Graph>> subgraphs = {});
  /// What reads `value`, outputs of the graph included, reads `by` instead; only the node that computes `by` doesn't.
  /// Refused where they differ in dtype, device or sizes.
  void replace_all_uses(const Value& value, const Value& by);
  /// The same, but the nodes in front of the one that computes `by` go on reading `value`, too.
  void replace_later_uses(const Value& value, const Value& by);
  /// Refused as long as one of the node's values is read. Symbols aren't followed: verify_graph() finds those that
  /// nothing binds any more.
  void erase(const Node& node);
  /// In front of another node; null: behind the last. Refused where it would read what isn't computed yet, or be read
  /// before.
  void move(const Node& node, const Node* before);
  /// Whether the graph gives this value.
  bool is_output(const Value& value) const;

  /// Parameters, then buffers, constants and the user's inputs (once order_inputs() was called).
  std::span<const GraphInput> inputs() const { return inputs_; }
  std::span<const GraphOutput> outputs() const { return outputs_; }
  /// In the order of execution.
  const Nodes& nodes() const { return nodes_; }
  std::span<const ModuleFrame> module_frames() const { return *module_frames_; }
  symbolic::Context& shapes() const { return *shapes_; }

  /// A listing for people: one line per input, node and output.
  std::string str() const;

 private:
  template <typename Kept>
  void replace_uses(const Value& value, const Value& by, Kept&& is_kept);
  Node& emplace(Nodes::iterator place, c10::OperatorHandle op, std::vector<Argument> arguments,
                std::vector<OutputMeta> outputs, Location where, std::vector<std::shared_ptr<Graph>> subgraphs);

  std::shared_ptr<symbolic::Context> shapes_;
  std::deque<Value> values_;
  Nodes nodes_;
  std::vector<GraphInput> inputs_;
  std::vector<GraphOutput> outputs_;
  std::shared_ptr<std::vector<ModuleFrame>> module_frames_;  ///< shared with all subgraphs
};

/// Calls `visit(const Value&)` for every value that an argument mentions.
template <typename Visitor>
void for_each_value(const Argument& argument, Visitor&& visit) {
  if (const auto* value = std::get_if<const Value*>(&argument)) {
    visit(**value);
  } else if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
    for (const Value* value : *list) {
      if (value != nullptr) visit(*value);
    }
  }
}

}  // namespace tracejet
