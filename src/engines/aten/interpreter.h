#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engines/engine.h"
#include "ir/graph.h"

namespace tracejet::aten {

/// Makes a subgraph of a node of control flow ready to run. In a run it takes a tensor for each of its inputs, and what
/// the symbols of the graph around are; those of its inputs are its own to bind. Null: the interpreter runs it itself.
using CompileBody = std::function<std::shared_ptr<const Executable>(
    const std::shared_ptr<const Graph>& around, const Node& node, const std::shared_ptr<const Graph>& body)>;

/// Looks at what a call gave, one entry for each of Node::outputs(), and may put something else in its place.
using Observe = std::function<void(const Node&, std::span<c10::IValue>)>;

/// A graph that runs operator by operator.
class Interpreted : public Executable {
 public:
  virtual std::vector<c10::IValue> run_observed(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes,
                                                const Observe& observe) const = 0;
};

/// Runs the graph as it is, operator by operator, through PyTorch's dispatcher. Values are freed after their last use.
/// Every operator needs a kernel for the device that it is for: see kernels.h.
std::unique_ptr<Interpreted> make_interpreter(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                              const CompileBody& compile_body = {});

/// Runs the graph once. `values` are those of `inputs`; what is given and thrown is as of make_interpreter's.
std::vector<c10::IValue> run_observed(std::shared_ptr<const Graph> graph, const RuntimeInputs& inputs,
                                      std::vector<at::Tensor> values, const Observe& observe);

}  // namespace tracejet::aten
