#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "io/pt2/json.h"
#include "io/pt2/node_names.h"
#include "io/pt2/symbol_table.h"
#include "ir/graph.h"
#include "ir/stack_texts.h"

namespace tracejet::pt2 {

/// What a node of the written graph gives.
enum class ValueKind { kTensor, kInt, kFloat, kBool };
ValueKind kind_of(const symbolic::Expression& number);

/// A node of the written graph, as arguments and outputs mention it.
struct Reference {
  std::string name;
  ValueKind kind;
};

/// An Argument of the schema.
Json argument_of(const Reference& reference);

inline constexpr int kPositional = 1, kKeyword = 2;  ///< ArgumentKind of the schema
/// A NamedArgument of the schema.
Json input_of(const std::string& name, Json argument, bool is_positional);

/// What all graphs of one program have in common.
struct ProgramContext {
  SymbolTable symbols;
  const StackTexts& stacks;
  /// For each frame of a module, the modules that were running, as the schema writes them.
  std::vector<std::string> module_stacks;
};

/// Writes a Graph as one of the schema, with the nodes, the names and the order that torch.export.save gives them:
/// sizes that are expressions become nodes, made where they are first needed.
class GraphWriter {
 public:
  GraphWriter(const Graph& graph, ProgramContext& program);

  // Inputs, in their order, before all else.
  void add_input(const Value& value, const std::string& name, bool requires_grad);
  void add_symbol_input(const symbolic::Symbol& symbol, const std::string& name);
  void add_literal_input(const std::string& name, Json argument);
  void add_nodes();
  /// What stands for an output of the graph: an Argument.
  Json output(const GraphOutput& output);
  /// A node of its own for a value that another output has, too.
  Json copy_of(const Value& value);
  /// The finished graph.
  Json take(Json outputs, bool is_single);

  const Reference& reference(const Value& value) const;

 private:
  struct Source {
    Reference node;
    std::optional<int64_t> axis;  ///< whose size it is; nullopt: the node gives the symbol itself
    bool is_input;
  };
  struct NodeText {
    std::string target;
    Json inputs, outputs, metadata;
    std::string name;
    bool is_higher_order = false;
  };

  void add(const Node& node);
  void add_control_flow(const Node& node);
  void add_writing_call(const Node& node);
  Json subgraph(const Graph& graph, std::span<const symbolic::Symbol> symbols, bool returns_tuple) const;
  /// `at_top`: next to the inputs, before all nodes of the model.
  void append_node(NodeText node, bool at_top = false);
  Json metadata(const Location& where) const;

  // Arguments: argument_writer.cpp.
  Json inputs_of(const Node& node);
  Json argument(const Argument& argument, const c10::TypePtr& type);
  Json constant(const c10::IValue& value, const c10::TypePtr& type);
  Json list(const std::vector<Json>& items, const c10::TypePtr& element) const;
  Json references_argument(const std::vector<Reference>& references) const;

  // Results.
  Json outputs_of(const Node& node, const std::string& name);
  /// Says that `name` gives a value, and writes what it is like.
  Json define(const Value& value, const std::string& name);
  Json define_items(const Node& node, const std::string& name, size_t first);
  Json define_list(const Node& node, size_t& next, size_t count, const std::string& unused_prefix);
  std::string item_name(const Value& value, const std::string& unused);
  bool is_needed(const Value& value) const;
  void note_sources(const Value& value, const Reference& node, bool is_input);
  void note_symbol(const c10::IValue& number, const Reference& node, std::optional<int64_t> axis, bool is_input);

  // Numbers: number_writer.cpp.
  /// The node of a number that isn't plain.
  Reference number(const symbolic::Expression& expression);
  /// A number as an Argument: plain where it is known.
  Json number_argument(const symbolic::Expression& expression);
  Reference make_number(const symbolic::Expression& expression);
  Reference read_symbol(const symbolic::Expression& expression);
  Reference rounded(const symbolic::Expression& expression, const Json& operand);
  Reference choose_one(Json condition, const symbolic::Expression& value);
  Reference emit(symbolic::Kind kind, std::vector<Json> operands, const symbolic::Expression& value);
  Json define_number(const symbolic::Expression& value, const std::string& name);

  const Graph& graph_;
  ProgramContext& program_;
  NodeNames names_;
  Json inputs_ = Json::array();
  Json top_nodes_ = Json::array();  ///< the sizes of inputs, which stand before all others
  Json nodes_ = Json::array();
  Json tensor_values_ = Json::object();
  Json sym_int_values_ = Json::object(), sym_float_values_ = Json::object(), sym_bool_values_ = Json::object();
  std::unordered_map<const Value*, Reference> references_;
  std::unordered_map<const Value*, Json> metadata_of_;  ///< by value: of the node that gives it
  std::unordered_set<const Value*> used_;
  std::unordered_map<symbolic::Expression, Reference> numbers_;
  std::unordered_map<uint64_t, Source> sources_;
  std::unordered_map<std::string, int64_t> subgraph_counts_;
  Json metadata_ = Json::object();  ///< of the node at hand, for the numbers that its arguments need
};

/// `nn_module_stack` of the schema for each frame of a module: the modules that were running, outermost first.
std::vector<std::string> module_stacks(const Graph& graph);

}  // namespace tracejet::pt2
