#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/ivalue.h>

#include "capture/tracer.h"
#include "ir/graph.h"
#include "ir/stack_texts.h"
#include "symbolic/expression.h"

namespace tracejet {

/// Runs the nodes of a finished graph under a tracer. Its symbols become the sizes that the tracer's tensors have.
class GraphReplay {
 public:
  /// `texts`: of the nodes' stacks. All of these outlive it.
  GraphReplay(Tracer& tracer, const Graph& graph, const StackTexts& texts)
      : tracer_(tracer), graph_(graph), texts_(texts) {}
  GraphReplay(const GraphReplay&) = delete;
  GraphReplay& operator=(const GraphReplay&) = delete;

  /// What a value of the graph is in this run: an input, before run().
  void set(const Value& value, c10::IValue given);
  /// Asserts that the sizes of the inputs are related as the graph has it. To be called once all of them are set.
  void check_inputs();
  void run();

  // After run():

  const c10::IValue& value(const Value& value) const { return values_.at(&value); }
  /// A constant of the graph, with the sizes of this run in it.
  c10::IValue constant(const c10::IValue& constant) const;

 private:
  void run(const Node& node);
  std::vector<c10::IValue> call(const Node& node);
  std::vector<at::Tensor> run_control_flow(const Node& node);
  c10::IValue argument(const Argument& argument, const c10::Argument& declared) const;
  std::vector<at::Tensor> tensors(const Argument& list) const;
  symbolic::Expression translated(const symbolic::Expression& expression) const;
  c10::IValue number(const symbolic::Expression& expression) const;
  void enter(const Location& where);
  std::vector<int32_t> modules_around(int32_t frame) const;

  Tracer& tracer_;
  const Graph& graph_;
  const StackTexts& texts_;
  std::unordered_map<const Value*, c10::IValue> values_;
  std::unordered_map<uint64_t, symbolic::Expression> symbols_;
  std::vector<int32_t> modules_;  ///< that the tracer has been told to be in, outermost first
};

}  // namespace tracejet
