#pragma once

#include <string>
#include <string_view>

#include <c10/core/ScalarType.h>

namespace tracejet::aten {

/// How kernels that are written for a program hold elements of a dtype. Both 16-bit floats are computed with as float32
/// and rounded after each call, as PyTorch's own kernels do.
struct KernelType {
  at::ScalarType dtype;
  std::string_view stored;    ///< in memory
  std::string_view computed;  ///< in a variable
  bool is_rounded = false;
};

/// Null for a dtype that kernels aren't written for.
const KernelType* kernel_type(at::ScalarType dtype);

/// A kernel's text, with one thing in it written for another wherever it stands.
std::string replaced(std::string_view text, std::string_view what, std::string_view by);

}  // namespace tracejet::aten
