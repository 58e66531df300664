#pragma once

#include <string>
#include <vector>

#include "engines/aten/fusion/kernel_layout.h"
#include "engines/aten/fusion/kernel_steps.h"

namespace tracejet::aten {

/// What a kernel is written for.
struct KernelDevice {
  int64_t warp = 32;             ///< threads that can add up their numbers without waiting for others
  int64_t block = 256;           ///< threads of a block
  int64_t largest_block = 1024;  ///< for a row
  int64_t threads = 132 * 1024;  ///< that keep the device busy
};

/// A kernel in CUDA's C++ and how it is called: with the addresses of all inputs and outputs, then `numbers`.
struct KernelSource {
  std::string text;
  std::vector<unsigned> numbers;
  unsigned grid;
  unsigned block;
};

inline constexpr const char* kKernelName = "fused";

/// `is_for_any_size`: sizes and strides are arguments, so that other sizes have the same text; otherwise they are
/// numbers in it, with which compilers compute faster.
KernelSource kernel_source(const KernelSteps& steps, const KernelLayout& layout, const KernelDevice& device,
                           bool is_for_any_size);

/// What stands in front of its text: how elements are converted, for CUDA, and all else that it calls.
extern const char* const kCudaConversions;
extern const char* const kKernelPrelude;

}  // namespace tracejet::aten
