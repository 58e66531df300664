#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include "capture/lifting.h"
#include "capture/plan.h"
#include "capture/scopes.h"

namespace tracejet {

/// Runs other code in the place of calls: functions of the decomposition table, composite kernels of ATen.
class Replacement {
 public:
  Replacement(Scopes& scopes, Lifting& lifting) : scopes_(scopes), lifting_(lifting) {}
  Replacement(const Replacement&) = delete;
  Replacement& operator=(const Replacement&) = delete;

  /// Runs the function of the decomposition table in the place of a call. False, with the stack as it was, where the
  /// function doesn't want the call. `is_functional`: functionalization is behind us, as in the lower hook.
  bool replace(const c10::OperatorHandle& op, const Plan& plan, torch::jit::Stack& stack, bool is_functional);
  /// For the lower hook: `run`s what takes the call's place with functionalization switched on again, so that it may
  /// write to tensors of its own. False, with the stack as it was, where `run` says so.
  bool run_functionalized(const c10::OperatorHandle& op, torch::jit::Stack& stack, const std::function<bool()>& run);

  /// By operator: calls expanded by PyTorch's decomposition in Python.
  const std::map<std::string, int64_t>& python_decompositions() const { return python_decompositions_; }

 private:
  Scopes& scopes_;
  Lifting& lifting_;
  std::vector<c10::OperatorName> running_;  ///< whose replacements run
  std::map<std::string, int64_t> python_decompositions_;
};

}  // namespace tracejet
