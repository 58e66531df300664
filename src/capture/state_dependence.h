#pragma once

#include <ATen/core/Tensor.h>

#include "capture/scopes.h"

namespace tracejet {

/// What a tensor depends on that forward leaves behind in an attribute.
struct StateDependence {
  bool reads_previous = false;             ///< forward has read the tensor that was there before
  bool is_computed_from_previous = false;  ///< from its values, by more than a view, a copy or a conversion
  bool differs = false;  ///< from call to call: it depends on the user's inputs, random numbers or buffers that change
};

/// Follows a traced tensor, which an attribute holds after forward, back to what it was computed from. `previous`, if
/// defined, was there before.
StateDependence state_dependence_of(const Scopes& scopes, const at::Tensor& tensor, const at::Tensor& previous);

}  // namespace tracejet
