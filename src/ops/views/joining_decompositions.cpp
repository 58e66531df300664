// PyTorch: aten/src/ATen/native/TensorShape.cpp (block_diag, _chunk_cat, stack).
#include "ops/views/joining_decompositions.h"

#include <algorithm>
#include <vector>

#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/full.h>
#include <ATen/ops/reshape.h>
#include <ATen/ops/unsqueeze.h>
#include <ATen/ops/view.h>

#include "ops/refusal.h"
#include "ops/shape/shape.h"

namespace tracejet::decompositions {

at::Tensor block_diag(at::TensorList tensors) {
  if (tensors.empty()) return at::full({1, 0}, 0, at::TensorOptions());
  std::vector<at::Tensor> blocks;
  at::ScalarType dtype = tensors[0].scalar_type();
  c10::SymInt columns = 0;
  for (const at::Tensor& tensor : tensors) {
    require(tensor.dim() <= 2,
            [&] { return "one of the tensors is " + shape::text(tensor.sym_sizes()) + ", expected at most 2 axes"; });
    at::Tensor block = tensor;
    while (block.dim() < 2) block = at::unsqueeze(block, 0);
    columns = columns + block.sym_size(1);
    dtype = c10::promoteTypes(dtype, block.scalar_type());
    blocks.push_back(std::move(block));
  }
  c10::SymInt before = 0;
  for (at::Tensor& block : blocks) {
    const c10::SymInt width = block.sym_size(1);
    const c10::SymInt padding[] = {before, columns - before - width};
    block = at::constant_pad_nd_symint(block.to(dtype), padding, 0);
    before = before + width;
  }
  return at::cat(blocks, 0);
}

at::Tensor chunk_cat(at::TensorList tensors, int64_t dim, int64_t num_chunks) {
  require(num_chunks >= 1 && !tensors.empty(),
          [&] { return "expected tensors and at least 1 chunk, got " + std::to_string(num_chunks) + " chunks"; });
  std::vector<at::Tensor> parts;
  for (const at::Tensor& tensor : tensors) {
    require(tensor.sym_numel().sym_ge(1),
            [&] { return "one of the tensors is " + shape::text(tensor.sym_sizes()) + ", expected elements"; });
    const int64_t axis = shape::wrap_axis(dim, tensor.dim()), behind = tensor.dim() - axis - 1;
    const c10::SymInt size = tensor.sym_size(axis), part = shape::ceil_div(size, num_chunks);
    std::vector<c10::SymInt> padding(2 * behind, 0);
    padding.insert(padding.end(), {0, part * num_chunks - size});
    const bool fits = shape::known_equal(part * num_chunks, size);
    const at::Tensor whole = fits ? tensor : at::constant_pad_nd_symint(tensor, padding, 0);
    std::vector<c10::SymInt> sizes(tensor.sym_sizes().begin(), tensor.sym_sizes().begin() + axis);
    sizes.insert(sizes.end(), {num_chunks, -1});
    parts.push_back(at::reshape_symint(whole, sizes));
  }
  return at::cat(parts, shape::wrap_axis(dim, tensors[0].dim()) + 1);
}

at::Tensor stack(at::TensorList tensors, int64_t dim) {
  if (tensors.empty()) throw ShapeError("stack needs at least one tensor");
  const int64_t axis = shape::wrap_axis(dim, tensors[0].dim() + 1);
  std::vector<at::Tensor> with_axis;
  for (const at::Tensor& tensor : tensors) with_axis.push_back(at::unsqueeze(tensor, axis));
  return at::cat(with_axis, axis);
}

}  // namespace tracejet::decompositions
