#include "base/memory.h"

#include <algorithm>
#include <vector>

#include <ATen/MemoryOverlap.h>

namespace tracejet {

namespace {

/// Steps of one length, and how many of them may be taken.
struct Steps {
  int64_t length;
  int64_t lowest;
  int64_t highest;
};

/// Adds the axes of a tensor, in bytes. `sign`: in which direction their steps count.
void add_steps(std::vector<Steps>& all, const at::Tensor& tensor, int sign) {
  const auto add = [&](int64_t length, int64_t count) {
    auto found = std::ranges::find(all, length, &Steps::length);
    if (found == all.end()) found = all.insert(all.end(), {length, 0, 0});
    (sign > 0 ? found->highest : found->lowest) += sign * (count - 1);
  };
  const auto itemsize = static_cast<int64_t>(tensor.itemsize());
  add(1, itemsize);
  for (int64_t axis = 0; axis < tensor.dim(); ++axis) {
    if (tensor.size(axis) > 1 && tensor.stride(axis) != 0) add(tensor.stride(axis) * itemsize, tensor.size(axis));
  }
}

int64_t divided_down(int64_t number, int64_t by) { return number >= 0 ? number / by : -((by - 1 - number) / by); }

/// Whether steps from `first` on lead to `distance`. Steps are sorted, the longest first, and what shorter ones can
/// reach leaves few choices for each. A search that takes too long is given up as if they did.
bool reaches(const std::vector<Steps>& steps, size_t first, int64_t distance, int& budget) {
  if (first == steps.size()) return distance == 0;
  if (--budget < 0) return true;
  int64_t lowest = 0, highest = 0;  // of all shorter steps together
  for (size_t i = first + 1; i < steps.size(); ++i) {
    lowest += steps[i].lowest * steps[i].length;
    highest += steps[i].highest * steps[i].length;
  }
  const Steps& here = steps[first];
  const int64_t from = std::max(here.lowest, -divided_down(highest - distance, here.length));
  const int64_t to = std::min(here.highest, divided_down(distance - lowest, here.length));
  for (int64_t count = from; count <= to; ++count) {
    if (reaches(steps, first + 1, distance - count * here.length, budget)) return true;
  }
  return false;
}

}  // namespace

MemoryRange memory_range(const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.has_storage() || tensor.numel() == 0) return {};
  const c10::Storage& storage = tensor.storage();
  const void* memory = storage.data() == nullptr ? storage.unsafeGetStorageImpl() : storage.data();
  int64_t last = 0;
  for (int64_t axis = 0; axis < tensor.dim(); ++axis) last += (tensor.size(axis) - 1) * tensor.stride(axis);
  const auto itemsize = static_cast<uintptr_t>(tensor.itemsize());
  const auto begin = reinterpret_cast<uintptr_t>(memory) + static_cast<uintptr_t>(tensor.storage_offset()) * itemsize;
  return {begin, begin + (static_cast<uintptr_t>(last) + 1) * itemsize};
}

bool memory_overlaps(const at::Tensor& a, const at::Tensor& b) {
  const MemoryRange left = memory_range(a), right = memory_range(b);
  if (!left.meets(right)) return false;
  if (a.is_contiguous() && b.is_contiguous()) return true;
  std::vector<Steps> steps;
  add_steps(steps, a, 1);
  add_steps(steps, b, -1);
  std::ranges::sort(steps, std::greater(), &Steps::length);
  int budget = 10'000;
  return reaches(steps, 0, static_cast<int64_t>(right.begin - left.begin), budget);
}

bool memory_overlaps_itself(const at::Tensor& tensor) {
  return at::has_internal_overlap(tensor) == at::MemOverlap::Yes;
}

}  // namespace tracejet
