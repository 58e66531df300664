#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <torch/csrc/utils/pybind.h>

#include "bindings/fx_arguments.h"
#include "bindings/fx_values.h"
#include "bindings/stack_texts.h"
#include "ir/graph.h"

namespace tracejet::python {

/// Writes a Graph as the nodes of a torch.fx.Graph. The walk and the conversion of arguments are here, in C++; making
/// an fx node is `writer`'s part (`tracejet.export.fx_writer.Writer`), because that depends on PyTorch's version.
class FxBuilder {
 public:
  FxBuilder(std::shared_ptr<const Graph> graph, py::object writer);

  /// What belongs into the `meta["val"]` of an input that holds this value.
  py::object value(const Value& value, bool requires_grad) { return describe(value, requires_grad); }
  /// Says which fx node holds a value: done for the inputs by the caller, before add_nodes().
  void define(const Value& value, const py::object& fx_node);
  /// `note`: called with each node of the graph once its fx nodes are there; None: nobody is.
  void add_nodes(const py::object& note);
  /// The fx node of a value.
  py::object node(const Value& value) const;
  /// What the program returns in this place: an fx node, or the literal that it is.
  py::object output(const GraphOutput& output);

 private:
  void add(const Node& node);
  void add_control_flow(const Node& node);
  void add_writing_call(const Node& node);
  /// The GraphModule of a subgraph, whose last inputs are the values of `symbols`. It returns a tuple, or the one value
  /// that there is where PyTorch wants that.
  py::object module_of(const std::shared_ptr<Graph>& subgraph, std::span<const symbolic::Symbol> symbols,
                       bool returns_tuple) const;
  py::object describe(const Value& value, bool requires_grad);
  py::object describe(const Node& node);
  py::dict annotations(const Location& where) const;
  void define_outputs(const Node& node, const py::object& fx_node, const py::object& described);
  /// As before, for a call that gives a tuple: its items from `first` on are the outputs.
  void define_items(const Node& node, const py::object& fx_node, const py::object& described, size_t first);
  void define_item(const Value& value, const py::object& container, size_t index, const py::object& described);
  bool is_needed(const Value& value) const;
  py::object operator_of(const c10::OperatorHandle& op);

  std::shared_ptr<const Graph> graph_;
  py::object writer_;
  py::object call_;
  py::object find_operator_;
  py::object symbolic_node_;
  py::object symbol_source_;
  py::object getitem_;
  FxValues values_;
  StackTexts stacks_;
  FxReferences references_;
  std::vector<py::dict> module_stacks_;
  std::vector<py::object> nodes_;  ///< by the id of a value
  std::vector<bool> used_;         ///< by the id of a value
  std::unordered_set<uint64_t> sourced_symbols_;
  std::unordered_map<c10::OperatorHandle, py::object> operators_;
  py::dict annotations_;  ///< of the node at hand, for the symbolic numbers that its arguments need
};

}  // namespace tracejet::python
