#pragma once

#include <deque>
#include <vector>

#include <ATen/core/Tensor.h>

#include "base/memory.h"
#include "ir/graph.h"

namespace tracejet {

/// A tensor of the model, and what it is in the graph before anything is written.
struct StateTensor {
  at::Tensor real;
  const Value* value;
};

/// Tensors of the model that show the same memory: a write to one is seen in the others. One alone is a group, too, as
/// tensors that aren't registered may show parts of it.
struct MemoryGroup {
  MemoryRange range;
  at::ScalarType dtype;
  std::vector<StateTensor> members;    ///< in the order of their addresses
  const StateTensor* whole = nullptr;  ///< the member that shows all of it, if there is one
  at::Tensor flat;                     ///< a traced tensor of all elements, from the first use on
};

/// The groups among `tensors`. Left out is memory that is read as several dtypes, and what no member shows without
/// gaps.
std::deque<MemoryGroup> memory_groups(const std::vector<StateTensor>& tensors);

/// The group whose memory a tensor shows part of; null where none does.
MemoryGroup* find_group(std::deque<MemoryGroup>& groups, const at::Tensor& tensor);

/// All elements of a dense tensor in the order of memory; `real` says how it lies there.
at::Tensor flattened(const at::Tensor& tensor, const at::Tensor& real);

/// The view of `group.flat` that shows what `real` shows.
at::Tensor view_in(const MemoryGroup& group, const at::Tensor& real);

}  // namespace tracejet
