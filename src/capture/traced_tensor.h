#pragma once

#include <memory>

#include <ATen/core/Tensor.h>
#include <c10/core/TensorImpl.h>

#include "graph/graph.h"

namespace tracejet {

/// A tensor without data: it stands for a value of the graph that is being recorded, and claims that value's device.
class TracedTensor final : public c10::TensorImpl {
 public:
  TracedTensor(std::shared_ptr<Graph> graph, const Value& value);

  const Value& value() const { return value_; }
  /// The graph that the value belongs to: a tensor that outlives its trace is told apart by it.
  const std::shared_ptr<Graph>& graph() const { return graph_; }

  c10::intrusive_ptr<TensorImpl> shallow_copy_and_detach(const c10::VariableVersion& version,
                                                         bool allow_metadata_change) const override;
  c10::intrusive_ptr<TensorImpl> shallow_copy_and_detach(c10::VariableVersion&& version,
                                                         bool allow_metadata_change) const override;
  // What C++ asks for that hasn't been written for symbolic sizes. Raises; a known size comes without this call.
  c10::IntArrayRef sizes_custom() const override;
  c10::IntArrayRef strides_custom() const override;
  int64_t numel_custom() const override;

  const char* tensorimpl_type_name() const override { return "tracejet::TracedTensor"; }

 private:
  std::shared_ptr<Graph> graph_;
  const Value& value_;
};

/// Null where the tensor is none.
const TracedTensor* as_traced(const at::Tensor& tensor);

/// Makes reading a functional tensor's data raise: its storage would otherwise be taken for memory.
void forbid_data_access(const at::Tensor& functional);

}  // namespace tracejet
