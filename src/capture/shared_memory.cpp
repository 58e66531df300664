#include "capture/shared_memory.h"

#include <algorithm>
#include <numeric>

#include <ATen/ops/as_strided.h>

namespace tracejet {

namespace {

/// An axis with more than one element.
struct Axis {
  int64_t index, size, stride;
};

std::vector<Axis> axes_by_stride(const at::Tensor& tensor) {
  std::vector<Axis> axes;
  for (int64_t axis = 0; axis < tensor.dim(); ++axis) {
    if (tensor.size(axis) > 1) axes.push_back({axis, tensor.size(axis), tensor.stride(axis)});
  }
  std::ranges::stable_sort(axes, std::greater(), &Axis::stride);
  return axes;
}

/// A one-dimensional tensor's elements as `axes` count them: slices of a grid, which engines know. Undefined where the
/// elements lie in no grid.
at::Tensor slices_of_grid(at::Tensor flat, const std::vector<Axis>& axes, int64_t offset) {
  int64_t reach = 0;  // from the first element of an axis to the last one of all shorter axes
  for (const Axis& axis : axes) reach += (axis.size - 1) * axis.stride;
  for (size_t i = 0; i + 1 < axes.size(); ++i) {
    const auto at = static_cast<int64_t>(i);
    const auto [_, size, stride] = axes[i];
    if (stride == 0) return {};
    reach -= (size - 1) * stride;
    const int64_t start = offset / stride * stride, end = start + size * stride;
    offset %= stride;
    if (end > flat.size(at) || offset + reach >= stride) return {};
    std::vector<int64_t> grid = flat.sizes().vec();
    grid.back() = size;
    grid.push_back(stride);
    flat = flat.slice(at, start, end).view(grid);
  }
  const auto last = static_cast<int64_t>(axes.size()) - 1;
  if (axes.empty()) return flat.slice(0, offset, offset + 1);
  if (axes.back().stride == 0) return {};
  return flat.slice(last, offset, offset + reach + 1, axes.back().stride);
}

void add_group(std::deque<MemoryGroup>& groups, std::vector<StateTensor> members) {
  MemoryGroup group{memory_range(members.front().real), members.front().real.scalar_type(), std::move(members), {}, {}};
  for (const StateTensor& member : group.members)
    group.range.end = std::max(group.range.end, memory_range(member.real).end);
  const auto is_dense = [](const StateTensor& member) { return member.real.is_non_overlapping_and_dense(); };
  const auto itemsize = c10::elementSize(group.dtype);
  for (const StateTensor& member : group.members) {
    const MemoryRange range = memory_range(member.real);
    if (member.real.scalar_type() != group.dtype || (range.begin - group.range.begin) % itemsize != 0) return;
    if (group.whole == nullptr && range.covers(group.range) && is_dense(member)) group.whole = &member;
  }
  if (group.whole == nullptr && !std::ranges::all_of(group.members, is_dense)) return;
  const auto whole = group.whole == nullptr ? -1 : group.whole - group.members.data();
  groups.push_back(std::move(group));
  if (whole >= 0) groups.back().whole = &groups.back().members[static_cast<size_t>(whole)];
}

/// Parts those of `near`, whose ranges meet, by whether they really have elements in common.
void add_groups(std::deque<MemoryGroup>& groups, const std::vector<StateTensor>& near) {
  std::vector<size_t> group_of(near.size());
  std::iota(group_of.begin(), group_of.end(), size_t{0});
  for (size_t i = 0; i < near.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (group_of[i] == group_of[j] || !memory_overlaps(near[i].real, near[j].real)) continue;
      std::ranges::replace(group_of, size_t{group_of[i]}, size_t{group_of[j]});
    }
  }
  for (size_t group = 0; group < near.size(); ++group) {
    std::vector<StateTensor> members;
    for (size_t i = 0; i < near.size(); ++i) {
      if (group_of[i] == group) members.push_back(near[i]);
    }
    if (!members.empty()) add_group(groups, std::move(members));
  }
}

}  // namespace

std::deque<MemoryGroup> memory_groups(const std::vector<StateTensor>& tensors) {
  std::vector<std::pair<MemoryRange, StateTensor>> sorted;
  for (const StateTensor& tensor : tensors) {
    if (const MemoryRange range = memory_range(tensor.real); range.begin < range.end)
      sorted.emplace_back(range, tensor);
  }
  std::ranges::stable_sort(sorted, std::less(), [](const auto& entry) { return entry.first.begin; });
  std::deque<MemoryGroup> groups;
  std::vector<StateTensor> near;
  uintptr_t end = 0;
  for (const auto& [range, tensor] : sorted) {
    if (range.begin >= end) {
      add_groups(groups, near);
      near.clear();
    }
    near.push_back(tensor);
    end = std::max(end, range.end);
  }
  add_groups(groups, near);
  return groups;
}

MemoryGroup* find_group(std::deque<MemoryGroup>& groups, const at::Tensor& tensor) {
  const MemoryRange range = memory_range(tensor);
  for (MemoryGroup& group : groups) {
    if (!group.range.covers(range) || range.begin == range.end || tensor.scalar_type() != group.dtype) continue;
    if ((range.begin - group.range.begin) % c10::elementSize(group.dtype) != 0) continue;
    const auto meets = [&](const StateTensor& member) { return memory_overlaps(member.real, tensor); };
    if (std::ranges::any_of(group.members, meets)) return &group;
  }
  return nullptr;
}

at::Tensor flattened(const at::Tensor& tensor, const at::Tensor& real) {
  std::vector<int64_t> order;
  for (const Axis& axis : axes_by_stride(real)) order.push_back(axis.index);
  for (int64_t axis = 0; axis < real.dim(); ++axis) {
    if (real.size(axis) == 1) order.push_back(axis);
  }
  const at::Tensor in_order = std::ranges::is_sorted(order) ? tensor : tensor.permute(order);
  return in_order.dim() == 1 ? in_order : in_order.view({real.numel()});
}

at::Tensor view_in(const MemoryGroup& group, const at::Tensor& real) {
  const auto bytes = static_cast<int64_t>(memory_range(real).begin - group.range.begin);
  const int64_t offset = bytes / static_cast<int64_t>(real.itemsize());
  const std::vector<Axis> axes = axes_by_stride(real);
  at::Tensor view = slices_of_grid(group.flat, axes, offset);
  if (!view.defined()) return at::as_strided(group.flat, real.sizes(), real.strides(), offset);
  if (axes.empty()) return view.view(real.sizes());
  std::vector<int64_t> order;  // of the grid's axes, as the tensor has them
  for (int64_t axis = 0; axis < real.dim(); ++axis) {
    const auto found = std::ranges::find(axes, axis, &Axis::index);
    if (found != axes.end()) order.push_back(found - axes.begin());
  }
  if (!std::ranges::is_sorted(order)) view = view.permute(order);
  for (int64_t axis = 0; axis < real.dim(); ++axis) {
    if (real.size(axis) == 1) view = view.unsqueeze(axis);
  }
  return view;
}

}  // namespace tracejet
