#pragma once

#include <string>
#include <unordered_map>
#include <utility>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include "ir/tensor_meta.h"

namespace tracejet {

/// What a trace knows of the strides that tensors have in eager: writes in place give new tensors here, whose strides
/// may differ from those that eager's tensor has kept.
class StrideTracking {
 public:
  /// Whether the tensor that the model makes a view of certainly has the strides that it has in eager: nobody has
  /// written to it. False outside of such a call.
  bool view_strides_verified() const { return view_strides_verified_; }
  void set_view_strides_verified(bool verified) { view_strides_verified_ = verified; }

  /// The strides of all the memory that a functional tensor shows, before anything was written there. Null where
  /// nothing was.
  const Sizes* pre_mutation_strides(const at::Tensor& functional) const;
  void set_pre_mutation_strides(const at::Tensor& functional, Sizes strides);

  /// The strides that a tensor had when the model called as_strided on it with this size, stride and offset (as text).
  /// Null where it never did, an empty list where it did so on tensors of different strides.
  const Sizes* as_strided_base_strides(const std::string& as_strided) const;
  void set_as_strided_base_strides(const std::string& as_strided, Sizes strides);

 private:
  bool view_strides_verified_ = false;
  std::unordered_map<std::string, Sizes> as_strided_base_strides_;
  /// Keeps the storage that is the key, so that its address is not used again.
  std::unordered_map<const c10::StorageImpl*, std::pair<c10::Storage, Sizes>> pre_mutation_strides_;
};

/// To be called before a call that writes to its arguments: notes the strides of memory that is written for the first
/// time, which are the ones that it keeps in eager.
void note_writes(StrideTracking& strides, const c10::OperatorHandle& op, const torch::jit::Stack& stack);

/// To be called where the model asks how a tensor lies in memory, which it does as in eager if nobody has written to
/// it. Throws UnsupportedOperator where that isn't so.
void check_layout_is_eagers(const StrideTracking& strides, const at::Tensor& functional);

/// While it lives, the trace knows whether the model makes a view of a tensor that nobody has written to, and which
/// strides as_strided counts by. For the upper hook; does nothing for other operators.
/// Throws UnsupportedOperator for as_strided of a tensor that has other strides than in eager since it was written to.
class ViewStrideGuard {
 public:
  ViewStrideGuard(StrideTracking& strides, const c10::OperatorHandle& op, const torch::jit::Stack& stack);
  ViewStrideGuard(const ViewStrideGuard&) = delete;
  ViewStrideGuard& operator=(const ViewStrideGuard&) = delete;
  ~ViewStrideGuard();

 private:
  StrideTracking& strides_;
  bool before_;
};

/// For the lower hook and as_strided (or its scatter): throws UnsupportedOperator where functionalization applies it
/// anew, to a tensor of other strides.
void check_as_strided_base(const StrideTracking& strides, const c10::OperatorHandle& op,
                           const torch::jit::Stack& stack);

}  // namespace tracejet
