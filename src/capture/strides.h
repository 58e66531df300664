#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include "capture/tracer.h"

namespace tracejet {

/// To be called before a call that writes to its arguments: notes the strides of memory that is written for the first
/// time, which are the ones that it keeps in eager.
void note_writes(Tracer& tracer, const c10::OperatorHandle& op, const torch::jit::Stack& stack);

/// To be called where the model asks how a tensor lies in memory, which it does as in eager if nobody has written to
/// it. Throws UnsupportedOperator where that isn't so.
void check_layout_is_eagers(const Tracer& tracer, const at::Tensor& functional);

/// While it lives, the tracer knows whether the model makes a view of a tensor that nobody has written to, and which
/// strides as_strided counts by. For the upper hook; does nothing for other operators.
/// Throws UnsupportedOperator for as_strided of a tensor that has other strides than in eager since it was written to.
class ViewByModel {
 public:
  ViewByModel(Tracer& tracer, const c10::OperatorHandle& op, const torch::jit::Stack& stack);
  ViewByModel(const ViewByModel&) = delete;
  ViewByModel& operator=(const ViewByModel&) = delete;
  ~ViewByModel();

 private:
  Tracer& tracer_;
  bool before_;
};

/// For the lower hook and as_strided (or its scatter): throws UnsupportedOperator where functionalization applies it
/// anew, to a tensor of other strides.
void check_strides_below(const Tracer& tracer, const c10::OperatorHandle& op, const torch::jit::Stack& stack);

}  // namespace tracejet
