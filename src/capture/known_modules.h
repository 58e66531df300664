#pragma once

#include <cstdint>
#include <string_view>

namespace tracejet {

/// A module of PyTorch's own whose forward takes sizes as plain numbers, and what becomes of them there. Its source has
/// been read: they go into the sizes of tensors that it makes and views, and are compared for equality, where it raises
/// an error unless they are equal; nothing else.
struct KnownModule {
  std::string_view function;      ///< how the name of the function begins that asks
  int64_t greatest_multiple = 1;  ///< what sizes are multiplied with at most (heads, scales)
  int64_t greatest_addend = 0;    ///< what is added to them at most
  /// It asks whether tensors hold the same data, and computes the same either way, if less directly where they don't.
  bool compares_data = false;
};

/// The one whose code is running: it is the innermost on the stack, with nothing but PyTorch's own code above it. Null
/// where there is none, and where somebody else's code is at work.
const KnownModule* running_known_module();

}  // namespace tracejet
