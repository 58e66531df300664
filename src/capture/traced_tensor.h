#pragma once

#include <memory>
#include <optional>

#include <ATen/core/Tensor.h>
#include <c10/core/TensorImpl.h>

#include "ir/graph.h"

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
  // What the model's own code asks for is noted: at sizes of 0 and 1 it may be told something else.
  c10::SymBool sym_is_contiguous_custom(at::MemoryFormat format) const override;
  c10::SymIntArrayRef sym_strides_custom() const override;

  const char* tensorimpl_type_name() const override { return "tracejet::TracedTensor"; }

 private:
  bool is_row_major() const;

  std::shared_ptr<Graph> graph_;
  const Value& value_;
  mutable std::optional<bool> is_row_major_;  ///< once PyTorch has asked
};

/// Null where the tensor is none.
const TracedTensor* as_traced(const at::Tensor& tensor);

/// To be called where the model's own code asks for the strides of a tensor of these sizes, in a trace: they may be
/// others where a size is 0 or 1.
void note_layout_question(c10::SymIntArrayRef sizes);

/// The same where it asks what memory a tensor shows, and from which element on: at sizes of 0 and 1 of any tensor, one
/// may be a view that is a copy otherwise (`contiguous()`).
void note_memory_question();

/// Makes reading a functional tensor's data raise: its storage would otherwise be taken for memory.
void forbid_data_access(const at::Tensor& functional);

}  // namespace tracejet
