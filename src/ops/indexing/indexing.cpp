// Operators that read or write elements by their position, where positions are data.
// PyTorch: aten/src/ATen/native/TensorAdvancedIndexing.cpp, aten/src/ATen/native/Bucketization.cpp,
// torch/_meta_registrations.py (meta_index_Tensor).
#include <algorithm>
#include <deque>

#include "ops/families.h"
#include "ops/indexing/data_dependent.h"
#include "ops/indexing/decompositions.h"
#include "ops/refusal.h"
#include "ops/shape/promotion.h"
#include "ops/shape/shape.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

/// A tensor like the input, written to at some places: these operators give dense results.
Metas rewritten(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::contiguous(self.sizes, self.dtype, self.device)};
}

Metas rewritten_in_layout(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::like(self, self.dtype)};
}

/// An index reaches no further than the tensor that it walks through, but along one axis; an empty one reaches nothing.
void require_reach(const TensorMeta& index, const TensorMeta& walked, std::string_view name,
                   std::optional<int64_t> but_along) {
  const auto message = [&] {
    return "index is " + shape::text(index.sizes) + ", expected no more than " + std::string(name) + ", " +
           shape::text(walked.sizes);
  };
  const auto rank = [](const TensorMeta& tensor) { return std::max<int64_t>(tensor.dim(), 1); };
  if (shape::is_zero(index.numel())) return;
  require(rank(index) == rank(walked), message);
  for (int64_t axis = 0; axis < std::min(index.dim(), walked.dim()); ++axis) {
    if (axis == but_along) continue;
    const c10::SymBool reaches = index.sizes[axis].sym_le(walked.sizes[axis]);
    require(symbolic::statically_known(reaches) == true ? reaches : reaches.sym_or(index.numel().sym_eq(0)), message);
  }
}

/// Written to at the places that an index says, along one axis.
Metas scattered(const Call& call) {
  const TensorMeta &self = call.tensor("self"), &index = call.tensor("index");
  require_reach(index, self, "self", self.dim() == 0 ? 0 : call.axis("dim", self.dim()));
  if (call.declares("src")) require_reach(index, call.tensor("src"), "src", std::nullopt);
  return rewritten(call);
}

Metas gather(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  require_reach(call.tensor("index"), self, "self", self.dim() == 0 ? 0 : call.axis("dim", self.dim()));
  return {shape::contiguous(call.tensor("index").sizes, self.dtype, self.device)};
}

Metas index_select(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const int64_t axis = call.axis("dim", self.dim());
  Sizes sizes = self.sizes;
  if (!sizes.empty()) sizes[axis] = call.tensor("index").numel();
  return {shape::contiguous(std::move(sizes), self.dtype, self.device)};
}

Metas search(const Call& call) {
  const auto dtype = call.flag("out_int32") ? at::kInt : at::kLong;
  const TensorMeta& self = call.tensor("self");
  return {shape::contiguous(self.sizes, dtype, self.device)};
}

// index(self, [i, None, j, ...]) ------------------------------------------------------------------------------------

bool is_mask(const TensorMeta& index) { return index.dtype == at::kBool || index.dtype == at::kByte; }

/// The input with its indexed axes side by side, in front if they weren't, and the indices of those axes.
struct Indexed {
  TensorMeta self;
  size_t first = 0;  ///< the first indexed axis
  std::vector<const TensorMeta*> indices;
};

Indexed side_by_side(const TensorMeta& self, const std::vector<const TensorMeta*>& given) {
  std::vector<size_t> indexed, others;
  Indexed result;
  for (size_t axis = 0; axis < self.sizes.size(); ++axis) {
    const bool is_indexed = axis < given.size() && given[axis] != nullptr;
    (is_indexed ? indexed : others).push_back(axis);
    if (is_indexed) result.indices.push_back(given[axis]);
  }
  const bool adjacent = indexed.empty() || indexed.back() - indexed.front() + 1 == indexed.size();
  result.first = adjacent && !indexed.empty() ? indexed.front() : 0;
  others.insert(others.begin() + static_cast<std::ptrdiff_t>(result.first), indexed.begin(), indexed.end());
  Sizes sizes, strides;
  for (size_t axis : others) {
    sizes.push_back(self.sizes[axis]);
    strides.push_back(self.strides[axis]);
  }
  result.self = shape::view_of(self, std::move(sizes), std::move(strides));
  return result;
}

/// A mask stands for the positions of its true elements: an index for each of its axes. `positions` owns them.
std::vector<const TensorMeta*> without_masks(const std::vector<const Value*>& indices,
                                             std::deque<TensorMeta>& positions) {
  std::vector<const TensorMeta*> result;
  for (const Value* index : indices) {
    if (index == nullptr || !is_mask(index->tensor())) {
      result.push_back(index == nullptr ? nullptr : &index->tensor());
      continue;
    }
    positions.push_back(shape::strided({count_of_nonzero(*index)}, {1}, at::kLong, index->tensor().device));
    result.insert(result.end(), index->tensor().sizes.size(), &positions.back());
  }
  return result;
}

/// TensorIterator walks over the input, standing still along the axes of the indices, and over the indices, standing
/// still along the other axes. That walk decides the layout of the result.
Metas index(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  std::deque<TensorMeta> positions;
  const auto given = without_masks(call.values("indices"), positions);
  if (given.size() > self.sizes.size()) {
    throw ShapeError("there are " + std::to_string(given.size()) + " indices for the " + std::to_string(self.dim()) +
                     " axes of " + self.str());
  }
  Sizes common;
  for (const TensorMeta* index : given) {
    if (index != nullptr) common = shape::broadcast(common, index->sizes);
  }
  const Indexed source = side_by_side(self, given);
  const auto begin = static_cast<std::ptrdiff_t>(source.first);
  const auto end = begin + static_cast<std::ptrdiff_t>(source.indices.size());

  TensorMeta still = source.self;
  still.sizes.erase(still.sizes.begin() + begin, still.sizes.begin() + end);
  still.strides.erase(still.strides.begin() + begin, still.strides.begin() + end);
  still.sizes.insert(still.sizes.begin() + begin, common.begin(), common.end());
  still.strides.insert(still.strides.begin() + begin, common.size(), c10::SymInt(0));

  std::vector<TensorMeta> walking;
  for (const TensorMeta* index : source.indices) {
    TensorMeta wide = shape::expanded(*index, common);
    const size_t after = still.sizes.size() - source.first - common.size();
    Sizes sizes(source.first, 1), strides(source.first, 0);
    sizes.append(wide.sizes.begin(), wide.sizes.end());
    strides.append(wide.strides.begin(), wide.strides.end());
    sizes.append(after, 1);
    strides.append(after, 0);
    walking.push_back(shape::strided(std::move(sizes), std::move(strides), index->dtype, index->device));
  }
  std::vector<const TensorMeta*> operands = {&still};
  for (const TensorMeta& index : walking) operands.push_back(&index);
  TensorMeta result = shape::pointwise(operands, self.dtype);
  result.device = self.device;
  return {result};
}

}  // namespace

std::span<const Operator> indexing_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      // Reading
      {.name = "aten::_unsafe_index.Tensor", .decompose = expand<&to::unsafe_index>},
      {.name = "aten::_unsafe_masked_index", .decompose = expand<&to::unsafe_masked_index>},
      {.name = "aten::bucketize.Tensor", .meta = search},
      {.name = "aten::combinations", .decompose = expand<&to::combinations>},
      {.name = "aten::gather", .meta = gather},
      {.name = "aten::index.Tensor", .meta = index},
      {.name = "aten::index_select", .meta = index_select},
      {.name = "aten::isin.Scalar_Tensor", .decompose = expand<&to::is_number_in>},
      {.name = "aten::isin.Tensor_Scalar", .decompose = expand<&to::isin_number>},
      {.name = "aten::isin.Tensor_Tensor", .decompose = expand<&to::isin>},
      {.name = "aten::searchsorted.Tensor", .meta = search},
      {.name = "aten::take_along_dim", .decompose = expand<&to::take_along_dim>},
      {.name = "aten::take", .decompose = expand<&to::take>},

      // Writing. scatter_add and scatter_reduce are operators of Core ATen, and engines have them: a loop over the
      // indices would only hide that.
      {.name = "aten::_unsafe_masked_index_put_accumulate",
       .decompose = expand<&to::unsafe_masked_index_put_accumulate>},
      {.name = "aten::_unsafe_index_put", .decompose = expand<&to::unsafe_index_put>},
      {.name = "aten::index_add", .decompose = expand<&to::index_add>},
      {.name = "aten::index_copy", .decompose = expand<&to::index_copy>},
      {.name = "aten::index_fill.int_Scalar", .decompose = expand<&to::index_fill>},
      {.name = "aten::index_fill.int_Tensor", .decompose = expand<&to::index_fill_tensor>},
      {.name = "aten::index_reduce", .meta = rewritten},
      {.name = "aten::put", .meta = rewritten_in_layout},
      {.name = "aten::index_put", .meta = rewritten_in_layout},
      {.name = "aten::masked_scatter", .decompose = expand<&to::masked_scatter>},
      {.name = "aten::scatter.reduce", .meta = scattered},
      {.name = "aten::scatter.src", .meta = scattered},
      {.name = "aten::scatter.value", .meta = scattered},
      {.name = "aten::scatter_add", .meta = scattered},
      {.name = "aten::scatter_reduce.two", .meta = scattered},
      {.name = "aten::select_scatter", .decompose = expand<&to::select_scatter>},
      {.name = "aten::slice_scatter", .decompose = expand<&to::slice_scatter>},
  };
  return table;
}

}  // namespace tracejet
