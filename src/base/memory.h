#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace tracejet {

/// The places from the first byte of a tensor to behind its last one; empty for a tensor without elements. Where there
/// is no memory (meta tensors), the storage's own address takes its place, so that tensors still compare.
struct MemoryRange {
  uintptr_t begin = 0;
  uintptr_t end = 0;

  bool meets(const MemoryRange& other) const { return begin < other.end && other.begin < end; }
  bool covers(const MemoryRange& other) const { return begin <= other.begin && other.end <= end; }
};

MemoryRange memory_range(const at::Tensor& tensor);

/// Whether a write to one of the tensors may be seen in the other one: exact but for layouts that nobody makes, which
/// count as overlapping where their ranges meet.
bool memory_overlaps(const at::Tensor& a, const at::Tensor& b);

/// Whether elements of it certainly share one place, as those of an expanded tensor do.
bool memory_overlaps_itself(const at::Tensor& tensor);

}  // namespace tracejet
