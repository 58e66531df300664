#include "capture/announced_state.h"

#include "capture/devices.h"
#include "capture/real_tensor.h"

namespace tracejet {

namespace {

const void* address(const at::Tensor& tensor) {
  return tensor.has_storage() ? static_cast<const char*>(tensor.storage().data()) +
                                    static_cast<size_t>(tensor.storage_offset()) * tensor.itemsize()
                              : nullptr;
}

bool is_same_tensor(const at::Tensor& a, const at::Tensor& b) {
  if (a.is_same(b)) return true;
  return a.has_storage() && b.has_storage() && a.storage().is_alias_of(b.storage()) && a.numel() > 0 &&
         a.storage_offset() == b.storage_offset() && a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         a.strides() == b.strides();
}

}  // namespace

void AnnouncedState::set_device(c10::Device device) {
  if (device.is_cuda()) allow_naming_cuda();
  device_ = with_index(device);
}

void AnnouncedState::add_parameter(std::string name, const at::Tensor& parameter) {
  add(GraphInput::Kind::kParameter, std::move(name), parameter, /*persistent=*/true);
}

void AnnouncedState::add_buffer(std::string name, const at::Tensor& buffer, bool persistent) {
  add(GraphInput::Kind::kBuffer, std::move(name), buffer, persistent);
}

void AnnouncedState::add(GraphInput::Kind kind, std::string name, const at::Tensor& tensor, bool persistent) {
  check_can_lift(tensor, hooks_);
  TensorMeta meta = meta_of_real(tensor);
  if (device_) meta.device = *device_;
  const Value* value = scopes_.program().graph->add_input(kind, std::move(meta), std::move(name), tensor, persistent);
  if (find(tensor) == nullptr) by_address_[address(tensor)].push_back({tensor, value});
}

const Value* AnnouncedState::find(const at::Tensor& tensor) const {
  // What fake implementations compute with; the model's own tensors have plain sizes.
  if (tensor.unsafeGetTensorImpl()->has_symbolic_sizes_strides()) return nullptr;
  const auto found = by_address_.find(address(tensor));
  if (found == by_address_.end()) return nullptr;
  for (const auto& [announced, value] : found->second) {
    if (is_same_tensor(announced, tensor)) return value;
  }
  return nullptr;
}

bool AnnouncedState::contains(const at::Tensor& tensor) const {
  return !needs_no_lift(tensor) && find(tensor) != nullptr;
}

c10::Device AnnouncedState::device_of(const at::Tensor& tensor) const {
  const Value* announced = needs_no_lift(tensor) ? nullptr : find(tensor);
  return announced == nullptr ? tensor.device() : announced->tensor().device;
}

std::vector<StateTensor> AnnouncedState::tensors() const {
  std::vector<StateTensor> all;
  for (const auto& [address, tensors] : by_address_) all.insert(all.end(), tensors.begin(), tensors.end());
  return all;
}

}  // namespace tracejet
