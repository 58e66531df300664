#pragma once

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "engines/aten/fusion/fused_call.h"
#include "engines/aten/fusion/fused_op.h"
#include "engines/aten/interpreter.h"
#include "engines/aten/passes/add_bias_later.h"
#include "engines/aten/passes/fuse_pointwise.h"
#include "engines/aten/passes/rotate_halves.h"
#include "engines/host_kernels.h"
#include "engines/runtime_inputs.h"
#include "ir/copy.h"
#include "ir/passes/common_subexpressions.h"
#include "ir/symbol_binding.h"
#include "ir/verify.h"
#include "small_graph.h"
#include <tracejet/trace.h>

// Programs that are one fused node, whose kernel is compiled for the CPU.
namespace tracejet::testing {

using Tensors = std::vector<at::Tensor>;

inline std::shared_ptr<Graph> fused(const Forward& forward, const std::vector<Input>& inputs) {
  const Program program = trace(forward, inputs);
  std::shared_ptr<Graph> graph = copy_with_outputs(*program.graph(), {}).graph;
  merge_common_subexpressions(*graph);
  aten::rotate_halves_of(*graph, c10::kCPU);
  aten::add_bias_later_of(*graph, c10::kCPU);
  aten::fuse_pointwise_of(*graph, c10::kCPU);
  verify_graph(*graph);
  return graph;
}

inline std::vector<Input> inputs_like(const Tensors& tensors) {
  std::vector<Input> inputs;
  for (const at::Tensor& tensor : tensors) inputs.push_back(Input::fixed(tensor.sizes().vec(), tensor.scalar_type()));
  return inputs;
}

inline std::string calls(const Forward& forward, const Tensors& inputs) {
  return calls_of(*fused(forward, inputs_like(inputs)));
}

/// A fused node by itself, called as programs call it.
class Fused {
 public:
  Fused(const Forward& forward, const std::vector<Input>& inputs, const aten::KernelDevice& device)
      : graph_(fused(forward, inputs)),
        compiler_(std::make_shared<HostCompiler>(device)),
        cache_(std::make_shared<aten::KernelCache>(compiler_)) {
    if (graph_->nodes().size() != 1 || !aten::is_fused(graph_->nodes().front())) {
      throw Error("expected one fused node: " + graph_->str());
    }
    body_ = graph_->nodes().front().subgraphs().front();
    call_ = aten::make_fused_call(body_, aten::make_interpreter(body_, runtime_inputs_of(*body_)), cache_);
  }

  Tensors operator()(const Tensors& given) const {
    Tensors operands;
    RuntimeSizes sizes;
    const auto order = std::get<std::vector<const Value*>>(graph_->nodes().front().arguments().front());
    for (const Value* value : order) {
      const auto place = std::ranges::find(graph_->inputs(), value, &GraphInput::value) - graph_->inputs().begin();
      operands.push_back(given.at(static_cast<size_t>(place)));
    }
    for (size_t i = 0; i < given.size(); ++i) {
      for_each_bound_symbol(*graph_->inputs()[i].value, [&](const SymbolBinding& binding) {
        sizes.bind(binding.symbol.id, given[i].size(binding.axis));
      });
    }
    const std::vector<c10::IValue> values = call_->run(operands, sizes);
    const auto given_by_node = graph_->nodes().front().outputs();
    Tensors results;
    for (const GraphOutput& output : graph_->outputs()) {
      const auto place = std::ranges::find(given_by_node, output.value) - given_by_node.begin();
      results.push_back(values.at(static_cast<size_t>(place)).toTensor());
    }
    return results;
  }

  int kernels() const { return compiler_->count_; }

 private:
  std::shared_ptr<Graph> graph_;
  std::shared_ptr<const HostCompiler> compiler_;
  std::shared_ptr<aten::KernelCache> cache_;
  std::shared_ptr<const Graph> body_;
  std::unique_ptr<Executable> call_;
};

inline void expect_same_tensors(const Tensors& got, const Tensors& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    EXPECT_EQ(got[i].scalar_type(), expected[i].scalar_type());
    EXPECT_EQ(got[i].sizes(), expected[i].sizes());
    EXPECT_EQ(got[i].strides(), expected[i].strides());
    const double tolerance = tolerance_of(got[i].scalar_type());
    EXPECT_TRUE(at::allclose(got[i].to(at::kDouble), expected[i].to(at::kDouble), tolerance, tolerance, true))
        << got[i] << expected[i];
  }
}

/// The first call runs operators, the second the kernel.
inline void expect_kernel_as_eager(const Forward& forward, const Tensors& inputs,
                                   const aten::KernelDevice& device = kOneThread) {
  const Fused program(forward, inputs_like(inputs), device);
  const Tensors expected = program(inputs);
  const Tensors got = program(inputs);
  EXPECT_EQ(program.kernels(), 1);
  expect_same_tensors(got, expected);
  expect_same_tensors(got, forward(inputs));
}

}  // namespace tracejet::testing
