// Reductions and scans: sums and extrema over axes, cumulative sums, sorting.
// PyTorch: aten/src/ATen/native/ReduceOps.cpp, aten/src/ATen/native/ReduceOpsUtils.h, aten/src/ATen/native/Sorting.cpp
// (kthvalue, median, sort, topk), aten/src/ATen/native/TensorCompare.cpp (max, min, mode),
// aten/src/ATen/native/Histogram.cpp, aten/src/ATen/native/LinearAlgebra.cpp (linalg_vector_norm).
#include "ops/families.h"
#include "ops/reduction/decompositions.h"
#include "ops/refusal.h"
#include "ops/shape/promotion.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

using Metas = std::vector<TensorMeta>;

// Folding axes -------------------------------------------------------------------------------------------------------

std::vector<int64_t> all_axes(const TensorMeta& self) {
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < self.dim(); ++axis) axes.push_back(axis);
  return axes;
}

/// The axes of an int or int[] argument; all of them if there is none, or an empty one.
std::vector<int64_t> reduced_axes(const Call& call, const TensorMeta& self) {
  if (!call.declares("dim") || !call.has("dim")) return all_axes(self);
  auto axes = call.axes("dim", self.dim());
  return axes.empty() ? all_axes(self) : axes;
}

TensorMeta reduced_to(const Call& call, at::ScalarType dtype) {
  const TensorMeta& self = call.tensor("self");
  const bool keep = call.declares("keepdim") && call.flag("keepdim");
  return shape::reduced(self, reduced_axes(call, self), keep, dtype);
}

/// What has no value of nothing: as PyTorch's kernels do, these ask for elements on the axes that they reduce, also
/// where no element of the result would be one of nothing.
const Call& of_something(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  if (self.dim() == 0) return call;
  for (const int64_t axis : reduced_axes(call, self)) {
    require(self.sizes[axis].sym_ge(1), [&] {
      return "self is " + shape::text(self.sizes) + ", expected at least one element on axis " + std::to_string(axis);
    });
  }
  return call;
}

Metas reduce_same(const Call& call) { return {reduced_to(call, call.tensor("self").dtype)}; }

Metas extremum(const Call& call) { return reduce_same(of_something(call)); }

Metas reduce_to_index(const Call& call) { return {reduced_to(of_something(call), at::kLong)}; }

/// Sums and products of integers are int64, unless the call says otherwise.
Metas reduce_sum(const Call& call) {
  return {reduced_to(call, call.dtype().value_or(promotion::to_sum(call.tensor("self").dtype)))};
}

Metas reduce_to_hash(const Call& call) { return {reduced_to(of_something(call), at::kUInt64)}; }

Metas reduce_mean(const Call& call) { return {reduced_to(call, call.dtype().value_or(call.tensor("self").dtype))}; }

/// The dtype of any() and all(): they keep uint8 for historical reasons.
at::ScalarType truth_type(const TensorMeta& self) { return self.dtype == at::kByte ? at::kByte : at::kBool; }

Metas reduce_truth(const Call& call) { return {reduced_to(call, truth_type(call.tensor("self")))}; }

/// Unlike elsewhere, an empty list of axes reduces none here.
Metas reduce_truth_axes(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const bool none = call.has("dim") && call.integers("dim").empty();
  if (none) return {shape::contiguous(self.sizes, truth_type(self), self.device)};
  return reduce_truth(call);
}

/// (values, indices)
Metas reduce_with_index(const Call& call) {
  return {reduced_to(of_something(call), call.tensor("self").dtype), reduced_to(call, at::kLong)};
}

Metas kthvalue(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const c10::SymInt k = call.sym_int("k"), size = self.dim() == 0 ? 1 : self.sizes[call.axis("dim", self.dim())];
  require(k.sym_ge(1).sym_and(k.sym_le(size)),
          [&] { return "k is " + shape::text({k}) + ", and the axis has " + shape::text({size}) + " elements"; });
  return reduce_with_index(call);
}

// Going along an axis ------------------------------------------------------------------------------------------------

Metas scan_sum(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::contiguous(self.sizes, call.dtype().value_or(promotion::to_sum(self.dtype)), self.device)};
}

Metas scan(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::like(self, self.dtype, c10::MemoryFormat::Contiguous)};
}

Metas scan_with_index(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::contiguous(self.sizes, self.dtype, self.device),
          shape::contiguous(self.sizes, at::kLong, self.device)};
}

Metas sort(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::like(self, self.dtype), shape::like(self, at::kLong)};
}

Metas topk(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const c10::SymInt k = call.sym_int("k");
  Sizes sizes = self.sizes;
  if (!sizes.empty()) {
    c10::SymInt& size = sizes[call.axis("dim", self.dim())];
    require(k.sym_le(size), [] { return "topk asks for more than the axis has"; });
    size = k;
  }
  return {shape::contiguous(sizes, self.dtype, self.device), shape::contiguous(sizes, at::kLong, self.device)};
}

Metas counts(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const int64_t bins = call.integer("bins");
  if (bins < 1) throw ShapeError("bins is " + std::to_string(bins) + ", expected at least 1");
  return {shape::contiguous({bins}, self.dtype, self.device)};
}

/// Counts, and the edges between which they are.
Metas histogram(const Call& call, const c10::SymInt& bins) {
  const TensorMeta& self = call.tensor("self");
  return {shape::contiguous({bins}, self.dtype, self.device), shape::contiguous({bins + 1}, self.dtype, self.device)};
}

Metas histogram_of_bins(const Call& call) { return histogram(call, call.sym_int("bins")); }

Metas histogram_of_edges(const Call& call) { return histogram(call, call.tensor("bins").numel() - 1); }

}  // namespace

std::span<const Operator> reduction_operators() {
  namespace to = decompositions;
  static constexpr Operator table[] = {
      // Sums, products, means
      {.name = "aten::count_nonzero", .decompose = expand<&to::count_nonzero>},
      {.name = "aten::count_nonzero.dim_IntList", .decompose = expand<&to::count_nonzero_axes>},
      {.name = "aten::hash_tensor", .meta = reduce_to_hash},
      {.name = "aten::mean", .meta = reduce_mean},
      {.name = "aten::mean.dim", .meta = reduce_mean},
      {.name = "aten::nansum", .decompose = expand<&to::nansum>},
      {.name = "aten::prod", .meta = reduce_sum},
      {.name = "aten::prod.dim_int", .meta = reduce_sum},
      {.name = "aten::sum", .decompose = expand<&to::sum>},
      {.name = "aten::sum.dim_IntList", .meta = reduce_sum},

      // Variances and norms
      {.name = "aten::linalg_vector_norm", .decompose = expand<&to::linalg_vector_norm>},
      {.name = "aten::histc", .meta = counts},
      {.name = "aten::histogram.bin_ct", .meta = histogram_of_bins},
      {.name = "aten::histogram.bins_tensor", .meta = histogram_of_edges},
      {.name = "aten::logsumexp", .decompose = expand<&to::logsumexp>},
      {.name = "aten::norm.Scalar", .decompose = expand<&to::norm_scalar>},
      {.name = "aten::norm.ScalarOpt_dim", .decompose = expand<&to::norm_axes>},
      {.name = "aten::norm.ScalarOpt_dim_dtype", .decompose = expand<&to::norm_axes_dtype>},
      {.name = "aten::norm.ScalarOpt_dtype", .decompose = expand<&to::norm_dtype>},
      {.name = "aten::renorm", .decompose = expand<&to::renorm>},
      {.name = "aten::std.correction", .decompose = expand<&to::std_correction>},
      {.name = "aten::std_mean.correction", .decompose = expand<&to::std_mean>},
      {.name = "aten::var.correction", .decompose = expand<&to::var>},
      {.name = "aten::var_mean.correction", .decompose = expand<&to::var_mean>},

      // Extremes
      {.name = "aten::amax", .meta = extremum},
      {.name = "aten::amin", .meta = extremum},
      {.name = "aten::aminmax", .decompose = expand<&to::aminmax>},
      {.name = "aten::dist", .decompose = expand<&to::dist>},
      {.name = "aten::argmax", .meta = reduce_to_index},
      {.name = "aten::argmin", .meta = reduce_to_index},
      {.name = "aten::kthvalue", .meta = kthvalue},
      {.name = "aten::max", .decompose = expand<&to::max>},
      {.name = "aten::max.dim", .meta = reduce_with_index},
      {.name = "aten::median", .meta = reduce_same},
      {.name = "aten::median.dim", .meta = reduce_with_index},
      {.name = "aten::min", .decompose = expand<&to::min>},
      {.name = "aten::min.dim", .meta = reduce_with_index},
      {.name = "aten::nanmedian", .meta = reduce_same},
      {.name = "aten::nanmedian.dim", .meta = reduce_with_index},
      {.name = "aten::mode", .meta = reduce_with_index},

      // Truth values
      {.name = "aten::all", .decompose = expand<&to::all>},
      {.name = "aten::all.dim", .decompose = expand<&to::all_axis>},
      {.name = "aten::all.dims", .decompose = expand<&to::all_axes>},
      {.name = "aten::any", .meta = reduce_truth},
      {.name = "aten::any.dim", .meta = reduce_truth},
      {.name = "aten::any.dims", .meta = reduce_truth_axes},

      // Along an axis
      {.name = "aten::cummax", .meta = scan_with_index},
      {.name = "aten::cummin", .meta = scan_with_index},
      {.name = "aten::cumprod", .meta = scan_sum},
      {.name = "aten::cumsum", .meta = scan_sum},
      {.name = "aten::logcumsumexp", .meta = scan},
      {.name = "aten::sort", .meta = sort},
      {.name = "aten::sort.stable", .meta = sort},
      {.name = "aten::topk", .meta = topk},
  };
  return table;
}

}  // namespace tracejet
