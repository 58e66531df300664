#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/record_function.h>
#include <torch/nn/module.h>

#include "capture/tracer.h"

namespace tracejet {

/// Tells the tracer, while it lives, which module of a C++ model is running. C++ modules call forward without anybody
/// noticing: a call that takes a parameter or buffer belongs to the module that has registered it, and one that takes
/// none to the module around the last one.
class RunningModule {
 public:
  RunningModule(Tracer& tracer, const torch::nn::Module& model);
  RunningModule(const RunningModule&) = delete;
  RunningModule& operator=(const RunningModule&) = delete;
  ~RunningModule();

 private:
  static std::unique_ptr<at::ObserverContext> on_call(const at::RecordFunction& call);
  static void after_call(const at::RecordFunction& call, at::ObserverContext* context);
  /// The module that owns one of the tensors; null where none does.
  const std::string* owner_of(c10::ArrayRef<const c10::IValue> arguments) const;
  /// Leaves and enters modules until this one runs.
  void go_to(const std::string& path);

  Tracer& tracer_;
  RunningModule* const around_;
  std::unordered_map<const c10::TensorImpl*, std::string> owners_;  ///< paths, by parameters and buffers
  std::unordered_map<std::string, std::string> types_;              ///< by path
  std::vector<std::string> running_;                                ///< paths, from the model on
  at::CallbackHandle handle_ = 0;
};

}  // namespace tracejet
