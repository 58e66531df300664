#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "io/pt2/file_symbols.h"
#include "io/pt2/json_reader.h"
#include "ir/graph.h"

namespace tracejet::pt2 {

/// What a name of the file stands for: a value of the graph, or a number, for which there is no node here.
using Named = std::variant<const Value*, symbolic::Expression>;

/// Reads a graph of the schema. Nodes that compute sizes become expressions; all others are calls.
class GraphReader {
 public:
  GraphReader(const Field& json, FileSymbols& symbols, std::shared_ptr<Graph> graph);

  /// The name and shape of a tensor that the graph takes.
  TensorMeta meta(const Field& tensor_argument) const;
  void define(const Field& where, const std::string& name, Named named);
  void read_nodes();
  /// What an Argument mentions.
  const Named& find(const Field& where, const std::string& name) const;
  const Value& value(const Field& tensor_argument) const;
  /// A plain or symbolic number, a string or None, of an Argument; `type` says what an enumerator or an empty list is.
  c10::IValue constant(const Field& argument, const c10::TypePtr& type) const;

  const Field& json() const { return json_; }
  /// Whether a call that was read writes to its arguments, not to copies of them.
  bool writes_in_place() const { return writes_in_place_; }

 private:
  struct Operand {
    std::string name;
    Named named;
  };

  void read(const Field& node);
  void read_call(const Field& node, const c10::OperatorHandle& op);
  void read_number(const Field& node, const std::string& target);
  void read_size(const Field& node);
  void read_assertion(const Field& node, const c10::OperatorHandle& op);
  void read_control_flow(const Field& node, const std::string& name);
  void read_writing_call(const Field& node);
  std::shared_ptr<Graph> read_subgraph(const Field& argument, const std::vector<Named>& operands);
  std::vector<Named> operands_of(const Field& argument) const;

  std::vector<Argument> arguments_of(const Field& node, const c10::OperatorHandle& op, size_t skipped) const;
  Argument argument(const Field& argument, const c10::TypePtr& type) const;
  c10::IValue list(const Field& items, const std::string& kind, const c10::TypePtr& type) const;
  symbolic::Expression number(const Field& argument) const;
  /// Likewise, with any value for numbers of data: the ranges that the file has of them are what its assertions check.
  symbolic::Expression unpromised_number(const Field& argument) const;

  /// The outputs of a node as the graph wants them, and then their names.
  OutputMeta output_meta(const Field& output) const;
  void define_outputs(std::span<const Field> outputs, const Node& node);

  Location location(const Field& node);

  Field json_;
  FileSymbols& symbols_;
  std::shared_ptr<Graph> graph_;
  std::unordered_map<std::string, Named> names_;
  std::unordered_map<std::string, symbolic::Expression> unpromised_;  ///< those that nodes compute of data
  std::unordered_map<std::string, std::shared_ptr<const std::string>> stacks_;
  std::unordered_map<std::string, int32_t> frames_;  ///< by the outer module's number and the text
  int depth_ = 0;                                    ///< of control flow
  bool writes_in_place_ = false;
};

}  // namespace tracejet::pt2
