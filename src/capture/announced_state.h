#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "capture/frontend_hooks.h"
#include "capture/scopes.h"
#include "capture/shared_memory.h"

namespace tracejet {

/// The model's parameters and buffers: inputs of the program from the start, whether or not a call mentions them.
class AnnouncedState {
 public:
  AnnouncedState(const Scopes& scopes, const FrontendHooks& hooks) : scopes_(scopes), hooks_(hooks) {}
  AnnouncedState(const AnnouncedState&) = delete;
  AnnouncedState& operator=(const AnnouncedState&) = delete;

  /// Where the model is taken to be: what is announced next claims this device.
  void set_device(c10::Device device);
  /// Announces a tensor that belongs to the model. Shares its data; the same tensor may come under several names.
  void add_parameter(std::string name, const at::Tensor& parameter);
  void add_buffer(std::string name, const at::Tensor& buffer, bool persistent);

  /// The program's input that a real tensor is; null where none is.
  const Value* find(const at::Tensor& tensor) const;
  /// Whether a tensor, which may be a traced one, is a parameter or buffer that was announced.
  bool contains(const at::Tensor& tensor) const;
  /// The device that a tensor claims in this trace.
  c10::Device device_of(const at::Tensor& tensor) const;
  /// All of them, in any order.
  std::vector<StateTensor> tensors() const;

 private:
  void add(GraphInput::Kind kind, std::string name, const at::Tensor& tensor, bool persistent);

  const Scopes& scopes_;
  const FrontendHooks& hooks_;
  std::optional<c10::Device> device_;
  std::unordered_map<const void*, std::vector<StateTensor>> by_address_;
};

}  // namespace tracejet
