// Devices that traced tensors claim to be on, which needn't exist where the trace runs.
#include "capture/devices.h"

#include <algorithm>
#include <array>
#include <optional>

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "base/error.h"

namespace tracejet {

namespace {

/// PyTorch asks a backend which of its devices is current before it so much as looks at a tensor's.
struct AbsentCuda final : c10::impl::NoOpDeviceGuardImpl<c10::kCUDA> {
  c10::Device exchangeDevice(c10::Device) const override { return getDevice(); }
  c10::Device getDevice() const override { return {c10::kCUDA, 0}; }
};

/// A number held as a tensor goes along with tensors of any device.
bool is_number_like(const TensorMeta& meta) { return meta.device.is_cpu() && meta.dim() == 0; }

/// Operators whose other tensors may be elsewhere; the result is where `self` is.
bool stays_with_self(const std::string& name) {
  static constexpr std::array<std::string_view, 6> names = {"aten::copy",
                                                            "aten::index.Tensor",
                                                            "aten::index_put",
                                                            "aten::_unsafe_index.Tensor",
                                                            "aten::_index_put_impl",
                                                            "aten::_unsafe_index_put"};
  return std::ranges::find(names, name) != names.end();
}

/// For tensors on several devices.
c10::Device device_of_mixed(const Call& call) {
  const std::string name = call.name();
  if (stays_with_self(name)) return call.tensor("self").device;
  const bool may_differ = !name.starts_with("aten::");  // the author of a custom operator knows
  const TensorMeta* first = nullptr;
  for (const Argument& argument : call.arguments()) {
    for_each_value(argument, [&](const Value& value) {
      if (!value.is_tensor() || (first != nullptr && is_number_like(value.tensor()))) return;
      const TensorMeta& meta = value.tensor();
      if (first != nullptr && !is_number_like(*first) && meta.device != first->device && !may_differ) {
        throw ShapeError("expected all tensors on one device, got " + first->str() + " on " + first->device.str() +
                             " and " + meta.str() + " on " + meta.device.str() +
                             "; move one with .to(), or trace with device= where the model is to run",
                         ErrorCode::kDeviceMismatch);
      }
      if (first == nullptr || is_number_like(*first)) first = &meta;
    });
  }
  return first->device;
}

}  // namespace

c10::Device with_index(c10::Device device) {
  if (device.has_index() || device.is_cpu() || device.is_meta()) return device;
  const c10::impl::DeviceGuardImplInterface* backend =
      c10::impl::device_guard_impl_registry[static_cast<size_t>(device.type())].load();
  const c10::Device current = backend == nullptr ? device : backend->getDevice();
  return current.has_index() ? current : c10::Device(device.type(), 0);
}

c10::Device device_of_results(const Call& call) {
  if (call.declares("device")) {
    if (const auto device = call.device()) return with_index(*device);
  }
  std::optional<c10::Device> common;
  bool mixed = false;
  for (const Argument& argument : call.arguments()) {
    for_each_value(argument, [&](const Value& value) {
      if (!value.is_tensor()) return;
      if (!common) common = value.tensor().device;
      mixed |= value.tensor().device != *common;
    });
  }
  return mixed ? device_of_mixed(call) : common.value_or(c10::Device(c10::kCPU));
}

void allow_naming_cuda() {
  static const auto* absent = new AbsentCuda();  // the registry's entries are never destroyed
  const auto* backend = c10::impl::device_guard_impl_registry[static_cast<size_t>(c10::kCUDA)].load();
  if (backend == nullptr || backend->deviceCount() == 0) c10::impl::registerDeviceGuard(c10::kCUDA, absent);
}

}  // namespace tracejet
