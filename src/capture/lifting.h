#pragma once

#include <deque>
#include <optional>
#include <unordered_map>

#include <ATen/core/Tensor.h>

#include "capture/announced_state.h"
#include "capture/constant_values.h"
#include "capture/frontend_hooks.h"
#include "capture/scopes.h"
#include "capture/shared_memory.h"

namespace tracejet {

/// Lifts tensors from outside into the graph at hand, when a call first mentions them: the model's parameters, buffers
/// and constants into the program's, and what a subgraph takes from around it into the subgraph.
class Lifting {
 public:
  /// `shares_memory`: see TracerOptions.
  Lifting(Scopes& scopes, const AnnouncedState& state, const FrontendHooks& hooks, bool shares_memory)
      : scopes_(scopes), state_(state), hooks_(hooks), shares_memory_(shares_memory) {}
  Lifting(const Lifting&) = delete;
  Lifting& operator=(const Lifting&) = delete;

  /// The traced stand-in of a real tensor, or in a subgraph of any tensor from outside; what stands for a value of the
  /// graph at hand comes back as it is.
  at::Tensor lift(const at::Tensor& tensor);
  /// As lift(), but a tensor that nobody else holds (a fresh `torch.tensor(…)`): writes to it stay in the program. It
  /// may claim another device than its data is on.
  at::Tensor lift_fresh(const at::Tensor& tensor, std::optional<c10::Device> device = {});
  /// The value of the graph at hand that a tensor holds now.
  const Value& value_of(const at::Tensor& tensor) { return scopes_.current_value(lift(tensor)); }
  /// What stands for a value of the graph around, in the subgraph at hand.
  const Value& capture(const Value& outer);

  /// What is known of the data of values.
  ConstantValues& constants() { return constants_; }

 private:
  const Value* add_constant(const at::Tensor& tensor, std::optional<c10::Device> device = {});
  Lifted& find_or_lift(const at::Tensor& tensor);
  /// In a subgraph: the stand-in of a tensor from outside.
  Lifted& bring_in(const at::Tensor& tensor);
  /// What stands for a value of the program's graph, in the graph at hand.
  const Value& capture_from_program(const Value& value);
  /// Lifts a tensor that shows the same memory as others; null where none does.
  Lifted* lift_shared(const at::Tensor& tensor);
  /// All elements of a group as they are before any write.
  at::Tensor flat_memory(const MemoryGroup& group);
  /// The one stand-in of all tensors that are this value before any write.
  const at::Tensor& stand_in_of(const Value& value);

  Scopes& scopes_;
  const AnnouncedState& state_;
  const FrontendHooks& hooks_;
  const bool shares_memory_;
  /// Of the program's inputs that real tensors have become: one stand-in however many tensor objects there are.
  std::unordered_map<const Value*, at::Tensor> stand_ins_;
  std::optional<std::deque<MemoryGroup>> groups_;  ///< from the first lift on, where memory is shared
  size_t constant_count_ = 0;
  ConstantValues constants_;
};

}  // namespace tracejet
