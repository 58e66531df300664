// Operators whose results have as many elements as their data says.
// PyTorch: aten/src/ATen/native/TensorAdvancedIndexing.cpp (nonzero, masked_select), aten/src/ATen/native/Unique.cpp,
// aten/src/ATen/native/SummaryOps.cpp (_bincount_cpu), aten/src/ATen/native/Repeat.cpp (repeat_interleave),
// aten/src/ATen/native/Scalar.cpp (_local_scalar_dense), torch/_meta_registrations.py (nonzero).
#include "ops/indexing/data_dependent.h"

#include <algorithm>

#include "base/error.h"
#include "ops/families.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"
#include "symbolic/context.h"
#include "symbolic/sym_node.h"

namespace tracejet {

c10::SymInt unknown_size(const c10::SymInt& at_most, int64_t at_least) {
  symbolic::Context* context = symbolic::Context::current();
  if (context == nullptr) throw DataDependent("how many elements it gives is only known when the program runs");
  const auto limit = symbolic::expression_of(at_most);
  const int64_t max = limit ? context->range(*limit).max : symbolic::kInfinity;
  return context->sym_int(context->unbacked("u", {at_least, max}));
}

c10::SymInt count_of_nonzero(const Value& mask) {
  if (!mask.count_of_nonzero()) mask.set_count_of_nonzero(unknown_size(mask.tensor().numel()));
  return *mask.count_of_nonzero();
}

namespace {

using Metas = std::vector<TensorMeta>;

Metas nonzero(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const c10::SymInt count = count_of_nonzero(call.value("self"));
  return {shape::strided({count, self.dim()}, {1, count}, at::kLong, self.device)};
}

/// As many as asked for: cut off, or filled up.
Metas nonzero_static(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::contiguous({call.sym_int("size"), self.dim()}, at::kLong, self.device)};
}

Metas masked_select(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const Value& mask = call.value("mask");
  const Sizes sizes = shape::broadcast(self.sizes, mask.tensor().sizes);
  const bool is_whole = std::ranges::equal(sizes, mask.tensor().sizes, symbolic::is_statically_equal);
  const c10::SymInt count =
      is_whole ? count_of_nonzero(mask) : unknown_size(shape::contiguous(sizes, self.dtype, self.device).numel());
  return {shape::contiguous({count}, self.dtype, self.device)};
}

/// The distinct slices along an axis, for each slice the place of its like, and how often each is there. The axis is
/// outermost in memory.
Metas unique_slices(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  require(self.dim() > 0, [] { return "self is a single number, expected at least one axis"; });
  const int64_t axis = call.axis("dim", self.dim());
  const c10::SymInt count = unknown_size(self.sizes.at(axis));
  Sizes sizes = self.sizes;
  sizes.erase(sizes.begin() + axis);
  sizes.insert(sizes.begin(), count);
  TensorMeta slices = shape::contiguous(std::move(sizes), self.dtype, self.device);
  std::rotate(slices.sizes.begin(), slices.sizes.begin() + 1, slices.sizes.begin() + axis + 1);
  std::rotate(slices.strides.begin(), slices.strides.begin() + 1, slices.strides.begin() + axis + 1);
  return {slices, shape::contiguous({self.sizes[axis]}, at::kLong, self.device),
          shape::contiguous({count}, at::kLong, self.device)};
}

/// The distinct values, for each element the place of its value, and how often each value is there.
Metas unique(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  if (call.declares("dim") && call.has("dim")) return unique_slices(call);
  const c10::SymInt count = unknown_size(self.numel());
  const Sizes none = {0};
  return {shape::contiguous({count}, self.dtype, self.device),
          shape::contiguous(call.flag("return_inverse") ? self.sizes : none, at::kLong, self.device),
          shape::contiguous(call.flag("return_counts") ? Sizes{count} : none, at::kLong, self.device)};
}

/// How often each number from 0 on is there, or the sum of its weights.
Metas bincount(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const TensorMeta* weights = call.optional_tensor("weights");
  const auto dtype = weights == nullptr ? at::kLong : weights->dtype == at::kFloat ? at::kFloat : at::kDouble;
  const auto least = call.sym_int("minlength").maybe_as_int();
  return {shape::contiguous({unknown_size(symbolic::kInfinity, least.value_or(0))}, dtype, self.device)};
}

Metas repeat_interleave(const Call& call) {
  const TensorMeta& repeats = call.tensor("repeats");
  const auto given = call.optional_sym_int("output_size");
  const c10::SymInt count = given ? *given : unknown_size(symbolic::kInfinity);
  return {shape::contiguous({count}, repeats.dtype, repeats.device)};
}

}  // namespace

std::span<const Operator> data_dependent_operators() {
  static constexpr Operator table[] = {
      {.name = "aten::_local_scalar_dense"},  // capture gives its result
      {.name = "aten::_unique2", .meta = unique},
      {.name = "aten::bincount", .meta = bincount},
      {.name = "aten::masked_select", .meta = masked_select},
      {.name = "aten::nonzero", .meta = nonzero},
      {.name = "aten::nonzero_static", .meta = nonzero_static},
      {.name = "aten::repeat_interleave.Tensor", .meta = repeat_interleave},
      {.name = "aten::unique_consecutive", .meta = unique},
      {.name = "aten::unique_dim", .meta = unique_slices},
  };
  return table;
}

}  // namespace tracejet
