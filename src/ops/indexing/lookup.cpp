// Rows of a table, by their indices.
// PyTorch: aten/src/ATen/native/Embedding.cpp (embedding), aten/src/ATen/native/EmbeddingBag.cpp,
// aten/src/ATen/native/Onehot.cpp (one_hot), torch/_meta_registrations.py (meta_embedding_bag).
#include "ops/families.h"
#include "ops/indexing/decompositions.h"
#include "ops/refusal.h"
#include "ops/resampling/decompositions.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

bool is_index(at::ScalarType dtype) { return dtype == at::kLong || dtype == at::kInt; }

Metas embedding(const Call& call) {
  const TensorMeta &weight = call.tensor("weight"), &indices = call.tensor("indices");
  require(weight.dim() == 2, [&] { return "weight is " + shape::text(weight.sizes) + ", expected 2 axes"; });
  require(is_index(indices.dtype),
          [&] { return std::string("indices are ") + at::toString(indices.dtype) + ", expected int64 or int32"; });
  Sizes sizes = indices.sizes;
  sizes.push_back(weight.sizes[1]);
  return {shape::contiguous(std::move(sizes), weight.dtype, weight.device)};
}

/// Rows of the table, summed (or averaged, or their maximum) per bag. Besides: which bag each index is in, how large
/// each bag is, and the rows with the maxima.
Metas embedding_bag(const Call& call) {
  constexpr int64_t kSum = 0, kMax = 2;
  const TensorMeta &weight = call.tensor("weight"), &indices = call.tensor("indices"),
                   &offsets = call.tensor("offsets");
  require(weight.dim() == 2 && indices.dim() == 1 && offsets.dim() == 1, [&] {
    return "weight is " + shape::text(weight.sizes) + ", indices are " + shape::text(indices.sizes) + ", offsets are " +
           shape::text(offsets.sizes) + ", expected 2, 1 and 1 axes";
  });
  const c10::SymInt bags = call.flag("include_last_offset") ? offsets.sizes[0] - 1 : offsets.sizes[0];
  const int64_t mode = call.integer("mode");
  // The vectorised kernel for sums doesn't need to know the bag of each index.
  const bool vectorised = mode == kSum && weight.dtype != at::kDouble && call.integer("padding_idx") < 0 &&
                          shape::known_equal(weight.strides[1], 1);
  const auto integers = [&](Sizes sizes) { return shape::contiguous(std::move(sizes), indices.dtype, weight.device); };
  return {shape::contiguous({bags, weight.sizes[1]}, weight.dtype, weight.device),
          integers({vectorised ? c10::SymInt(0) : indices.sizes[0]}), integers({bags}),
          mode == kMax ? integers({bags, weight.sizes[1]}) : integers({bags})};
}

}  // namespace

std::span<const Operator> lookup_operators() {
  namespace as = decompositions;
  static constexpr Operator table[] = {
      {.name = "aten::embedding", .meta = embedding, .decompose = expand<&as::embedding>},
      {.name = "aten::_embedding_bag", .meta = embedding_bag},
      {.name = "aten::_embedding_bag_forward_only", .meta = embedding_bag, .decompose = expand<&as::embedding_bag>},
      {.name = "aten::one_hot", .decompose = expand<&as::one_hot>},
  };
  return table;
}

}  // namespace tracejet
