#pragma once

#include <memory>
#include <string>

#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "ir/graph.h"
#include "message_of.h"
#include "symbolic/context.h"

namespace tracejet::testing {

inline c10::OperatorHandle op(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
}

inline TensorMeta dense(Sizes sizes, at::ScalarType dtype = at::kFloat) {
  TensorMeta meta;
  meta.strides = contiguous_strides(sizes);
  meta.sizes = std::move(sizes);
  meta.dtype = dtype;
  return meta;
}

/// A graph that is written by hand: inputs and unary operators on float[rows, 3].
struct SmallGraph {
  const std::shared_ptr<symbolic::Context> shapes = symbolic::Context::create();
  const c10::SymInt rows = shapes->sym_int(shapes->symbol("rows", {2, 16}, 4));
  const std::shared_ptr<Graph> graph = std::make_shared<Graph>(shapes);

  const Value& input(const std::string& name = "x") {
    return *graph->add_input(GraphInput::Kind::kUser, dense({rows, 3}), name);
  }
  const Node& unary(const char* name, const Value& value) {
    return graph->add_node(op(name), {&value}, {dense({rows, 3})}, {});
  }
  const Node& sum(const Value& a, const Value& b) {
    return graph->add_node(op("aten::add", "Tensor"), {&a, &b, 1}, {dense({rows, 3})}, {});
  }
  void output(const Value& value) { graph->add_output({GraphOutput::Kind::kUser, &value, {}, 0}); }
};

inline const Value& only(const Node& node) { return *node.outputs().front(); }

/// The names of its operators, in the order of execution: "aten::relu aten::neg".
inline std::string calls_of(const Graph& graph) {
  std::string calls;
  for (const Node& node : graph.nodes()) calls += (calls.empty() ? "" : " ") + node.op().operator_name().name;
  return calls;
}

/// What the Error says that `action` throws.
template <typename Action>
std::string error_of(Action&& action) {
  return message_of<Error>(std::forward<Action>(action));
}

inline ::testing::AssertionResult says(const std::string& message, const std::string& part) {
  if (message.find(part) != std::string::npos) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << '"' << part << "\" isn't in \"" << message << '"';
}

}  // namespace tracejet::testing
