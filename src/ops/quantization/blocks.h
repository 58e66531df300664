#pragma once

#include <vector>

#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet {

/// A tensor seen as the blocks of torchao, whose elements share a scale and a zero point.
struct Blocks {
  TensorMeta shown;             ///< an axis of several blocks is two: which block, and where in it
  Sizes count;                  ///< the sizes of `shown`, with 1 for the axes that run within a block
  std::vector<int64_t> within;  ///< these axes
  Sizes per_axis;               ///< blocks along each axis of the tensor itself
};

/// `tensor`, which is `input` or made from it, in other sizes. Refuses a layout that needs a copy for that.
inline TensorMeta viewed(const TensorMeta& tensor, Sizes sizes, const TensorMeta& input) {
  auto strides = shape::view_strides(tensor, sizes);
  if (!strides) refuse("the layout of input, " + input.str() + ", can't be viewed as blocks: call contiguous() on it");
  return shape::view_of(tensor, std::move(sizes), *std::move(strides));
}

/// `block_size`: the size of a block, axis by axis. Guards that blocks fill an axis, where they aren't all of it.
inline Blocks in_blocks(const TensorMeta& input, const Sizes& block_size) {
  require(block_size.size() == input.sizes.size(), [&] {
    return "block_size is " + shape::text(block_size) + ", expected a size for each axis of " +
           shape::text(input.sizes);
  });
  Blocks blocks;
  Sizes sizes;
  const auto add = [&](const c10::SymInt& size, bool is_within) {
    if (is_within) blocks.within.push_back(static_cast<int64_t>(sizes.size()));
    sizes.push_back(size);
    blocks.count.push_back(is_within ? c10::SymInt(1) : size);
  };
  for (size_t axis = 0; axis < block_size.size(); ++axis) {
    const c10::SymInt &size = input.sizes[axis], &block = block_size[axis];
    if (shape::is_one(block)) {
      add(size, false);
      blocks.per_axis.push_back(size);
    } else if (shape::known_equal(size, block)) {
      add(size, true);
      blocks.per_axis.emplace_back(1);
    } else {
      require_equal_sizes(size % block, 0, [&] {
        return "blocks of " + shape::text(block_size) + " don't fill " + shape::text(input.sizes);
      });
      add(size / block, false);
      add(block, true);
      blocks.per_axis.push_back(size / block);
    }
  }
  blocks.shown = viewed(input, std::move(sizes), input);
  return blocks;
}

}  // namespace tracejet
