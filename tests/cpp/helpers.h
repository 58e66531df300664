#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/stack.h>

#include "ir/call.h"
#include "ir/graph.h"
#include "symbolic/context.h"

namespace tracejet::testing {

/// What a rule has to predict of a real tensor.
TensorMeta meta_of(const at::Tensor& tensor);

/// A call's arguments as a graph has them, made from real ones. Owns the values.
class Arguments {
 public:
  using Describe = std::function<TensorMeta(const at::Tensor&)>;

  explicit Arguments(const torch::jit::Stack& stack, const Describe& describe = meta_of);
  const std::vector<Argument>& list() const { return list_; }

 private:
  std::deque<Value> values_;
  std::vector<Argument> list_;
};

/// Gives tensors symbolic sizes: one symbol of range [1, 2^20] per axis that isn't 0 or 1, with the real size as its
/// hint. Strides that follow from the sizes become expressions of them.
class Symbolize {
 public:
  explicit Symbolize(std::shared_ptr<symbolic::Context> context) : context_(std::move(context)) {}
  TensorMeta operator()(const at::Tensor& tensor);

 private:
  std::shared_ptr<symbolic::Context> context_;
};

/// The sizes or strides on the traced example.
std::vector<int64_t> on_example(const Sizes& list);
/// The sizes where every symbol is changed like this.
std::vector<int64_t> with_symbols(const Sizes& list, const std::function<int64_t(int64_t hint)>& change);

/// The tensors among the results of a call, lists flattened.
std::vector<at::Tensor> tensors_of(const torch::jit::Stack& results);

/// Calls the operator eagerly and gives its results.
torch::jit::Stack call(const c10::OperatorHandle& op, torch::jit::Stack arguments);

}  // namespace tracejet::testing
