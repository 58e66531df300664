#pragma once

#include <ATen/autocast_mode.h>
#include <c10/core/Device.h>
#include <c10/core/impl/TorchDispatchModeTLS.h>

namespace tracejet::recording {

/// Whether somebody wants to see the calls themselves, or to change them.
inline bool is_watched(c10::Device device) {
  return c10::impl::TorchDispatchModeTLS::any_modes_set() || at::autocast::is_autocast_enabled(device.type());
}

}  // namespace tracejet::recording
