#include "engines/aten/fusion/kernel_layout.h"

#include <algorithm>
#include <numeric>

#include "engines/aten/fusion/kernel_types.h"

namespace tracejet::aten {

namespace {

constexpr int64_t kMostElements = int64_t{1} << 31;

std::optional<KernelOperand> operand_of(const at::Tensor& tensor, const std::vector<int64_t>& space) {
  const KernelType* type = kernel_type(tensor.scalar_type());
  if (type == nullptr || tensor.layout() != c10::kStrided || tensor.is_conj() || tensor.is_neg() ||
      static_cast<size_t>(tensor.dim()) > space.size())
    return std::nullopt;
  KernelOperand operand{type->stored, tensor.element_size(), std::vector<int64_t>(space.size(), 0), 16};
  const size_t missing = space.size() - static_cast<size_t>(tensor.dim());
  int64_t last = 0;
  for (size_t axis = 0; axis < static_cast<size_t>(tensor.dim()); ++axis) {
    const int64_t size = tensor.sizes()[axis], whole = space[missing + axis];
    if (size != whole && size != 1) return std::nullopt;
    if (size == 1) continue;
    operand.strides[missing + axis] = tensor.strides()[axis];
    last += (size - 1) * tensor.strides()[axis];
  }
  if (last >= kMostElements) return std::nullopt;
  const auto address = reinterpret_cast<uintptr_t>(tensor.data_ptr());
  while (address % static_cast<uintptr_t>(operand.alignment) != 0) operand.alignment /= 2;
  return operand;
}

/// An output has a place of its own for each element; along rows it may have one for all.
bool is_written_once(const at::Tensor& output, const std::vector<int64_t>& space, bool has_rows) {
  if (!output.is_non_overlapping_and_dense() || static_cast<size_t>(output.dim()) != space.size()) return false;
  const size_t axes = space.size() - (has_rows ? 1 : 0);
  return std::equal(space.begin(), space.begin() + static_cast<std::ptrdiff_t>(axes), output.sizes().begin());
}

}  // namespace

std::optional<KernelLayout> KernelLayout::of(std::vector<int64_t> space, bool has_rows,
                                             std::span<const at::Tensor> inputs, std::span<const at::Tensor> outputs) {
  KernelLayout layout{std::move(space), {}, {}, has_rows};
  const int64_t elements = c10::multiply_integers(layout.space);
  if (elements == 0 || elements >= kMostElements) return std::nullopt;
  for (const at::Tensor& input : inputs) {
    const auto operand = operand_of(input, layout.space);
    if (!operand) return std::nullopt;
    layout.inputs.push_back(*operand);
  }
  for (const at::Tensor& output : outputs) {
    const auto operand = operand_of(output, layout.space);
    if (!operand || !is_written_once(output, layout.space, has_rows)) return std::nullopt;
    layout.outputs.push_back(*operand);
  }
  layout.simplify();
  return layout;
}

void KernelLayout::simplify() {
  std::vector<KernelOperand*> operands;
  for (KernelOperand& operand : inputs) operands.push_back(&operand);
  for (KernelOperand& operand : outputs) operands.push_back(&operand);

  // Elements that lie side by side in the first output belong to threads side by side.
  const size_t free_axes = space.size() - (has_rows ? 1 : 0);
  std::vector<size_t> order(free_axes);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](size_t axis) { return outputs.front().strides[axis]; });
  if (has_rows) order.push_back(free_axes);

  std::vector<int64_t> sizes;
  std::vector<std::vector<int64_t>> strides(operands.size());
  for (size_t place = 0; place < order.size(); ++place) {
    const size_t axis = order[place];
    const bool is_row = has_rows && place + 1 == order.size();
    if (space[axis] == 1 && !is_row) continue;
    const bool joins = !sizes.empty() && !is_row && [&] {
      for (size_t i = 0; i < operands.size(); ++i) {
        if (strides[i].back() != operands[i]->strides[axis] * space[axis]) return false;
      }
      return true;
    }();
    if (joins) {
      sizes.back() *= space[axis];
    } else {
      sizes.push_back(space[axis]);
    }
    for (size_t i = 0; i < operands.size(); ++i) {
      if (joins) strides[i].pop_back();
      strides[i].push_back(operands[i]->strides[axis]);
    }
  }
  if (sizes.empty()) {
    sizes.push_back(1);
    for (auto& own : strides) own.push_back(0);
  }
  space = std::move(sizes);
  for (size_t i = 0; i < operands.size(); ++i) operands[i]->strides = std::move(strides[i]);
}

}  // namespace tracejet::aten
