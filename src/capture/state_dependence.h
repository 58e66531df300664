#pragma once

namespace tracejet {

/// What a tensor depends on that forward leaves behind in an attribute.
struct StateDependence {
  bool reads_previous = false;             ///< forward has read the tensor that was there before
  bool is_computed_from_previous = false;  ///< from its values, by more than a view, a copy or a conversion
  bool differs = false;  ///< from call to call: it depends on the user's inputs, random numbers or buffers that change
};

}  // namespace tracejet
