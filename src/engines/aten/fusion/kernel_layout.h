#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

namespace tracejet::aten {

/// How a kernel finds the elements of a tensor.
struct KernelOperand {
  std::string_view type;  ///< as it lies in memory
  int64_t element_size;
  std::vector<int64_t> strides;  ///< in elements, one for each axis of the space; 0 where it is broadcast
  int64_t alignment;             ///< of its first element, in bytes
};

/// The places that a kernel goes through, and its tensors.
struct KernelLayout {
  std::vector<int64_t> space;
  std::vector<KernelOperand> inputs, outputs;
  bool has_rows = false;

  /// nullopt where a kernel can't take them: elements that share a place, sizes that don't fit, more than 2^31
  /// elements.
  static std::optional<KernelLayout> of(std::vector<int64_t> space, bool has_rows, std::span<const at::Tensor> inputs,
                                        std::span<const at::Tensor> outputs);

 private:
  /// As few axes as possible, the last one along memory. The last axis stays where it is the rows'.
  void simplify();
};

}  // namespace tracejet::aten
