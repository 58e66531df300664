// Operators that fold axes away, and those that go along an axis: running sums, sorting.
#include "onnx/conversions.h"
#include "ops/families.h"
#include "ops/promotion.h"
#include "ops/reduction_decompositions.h"
#include "ops/reduction_samples.h"
#include "ops/refusal.h"
#include "ops/shape.h"

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
std::vector<int64_t> folded_axes(const Call& call, const TensorMeta& self) {
  if (!call.declares("dim") || !call.has("dim")) return all_axes(self);
  auto axes = call.axes("dim", self.dim());
  return axes.empty() ? all_axes(self) : axes;
}

TensorMeta fold(const Call& call, at::ScalarType dtype) {
  const TensorMeta& self = call.tensor("self");
  const bool keep = call.declares("keepdim") && call.flag("keepdim");
  return shape::reduced(self, folded_axes(call, self), keep, dtype);
}

Metas fold_same(const Call& call) { return {fold(call, call.tensor("self").dtype)}; }

Metas fold_to_index(const Call& call) { return {fold(call, at::kLong)}; }

/// Sums and products of integers are int64, unless the call says otherwise.
Metas fold_sum(const Call& call) {
  return {fold(call, call.dtype().value_or(promotion::to_sum(call.tensor("self").dtype)))};
}

Metas fold_to_hash(const Call& call) { return {fold(call, at::kUInt64)}; }

Metas fold_mean(const Call& call) { return {fold(call, call.dtype().value_or(call.tensor("self").dtype))}; }

/// The dtype of any() and all(): they keep uint8 for historical reasons.
at::ScalarType truth_type(const TensorMeta& self) { return self.dtype == at::kByte ? at::kByte : at::kBool; }

Metas fold_truth(const Call& call) { return {fold(call, truth_type(call.tensor("self")))}; }

/// Unlike elsewhere, an empty list of axes folds none here.
Metas fold_truth_axes(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const bool none = call.has("dim") && call.integers("dim").empty();
  if (none) return {shape::contiguous(self.sizes, truth_type(self), self.device)};
  return fold_truth(call);
}

/// (values, indices)
Metas fold_with_index(const Call& call) { return {fold(call, call.tensor("self").dtype), fold(call, at::kLong)}; }

Metas kthvalue(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  const c10::SymInt k = call.sym_int("k"), size = self.dim() == 0 ? 1 : self.sizes[call.axis("dim", self.dim())];
  require(k.sym_ge(1).sym_and(k.sym_le(size)),
          [&] { return "k is " + shape::text({k}) + ", and the axis has " + shape::text({size}) + " elements"; });
  return fold_with_index(call);
}

// Going along an axis ------------------------------------------------------------------------------------------------

Metas running_sum(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::contiguous(self.sizes, call.dtype().value_or(promotion::to_sum(self.dtype)), self.device)};
}

Metas running(const Call& call) {
  const TensorMeta& self = call.tensor("self");
  return {shape::like(self, self.dtype, c10::MemoryFormat::Contiguous)};
}

Metas running_with_index(const Call& call) {
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
      {.name = "aten::count_nonzero", .decompose = expand<&to::count_nonzero>, .samples = samples::count_nonzero},
      {.name = "aten::count_nonzero.dim_IntList",
       .decompose = expand<&to::count_nonzero_axes>,
       .samples = samples::count_nonzero_axes},
      {.name = "aten::hash_tensor", .meta = fold_to_hash, .samples = samples::hash},
      {.name = "aten::mean", .meta = fold_mean, .onnx = onnx::reduce("ReduceMean"), .samples = samples::mean_of_all},
      {.name = "aten::mean.dim", .meta = fold_mean, .onnx = onnx::reduce("ReduceMean"), .samples = samples::mean},
      {.name = "aten::nansum", .decompose = expand<&to::nansum>, .samples = samples::sum},
      {.name = "aten::prod", .meta = fold_sum, .onnx = onnx::reduce("ReduceProd"), .samples = samples::sum_of_all},
      {.name = "aten::prod.dim_int", .meta = fold_sum, .onnx = onnx::reduce("ReduceProd"), .samples = samples::product},
      {.name = "aten::sum", .decompose = expand<&to::sum>, .samples = samples::sum_of_all},
      {.name = "aten::sum.dim_IntList", .meta = fold_sum, .onnx = onnx::reduce("ReduceSum"), .samples = samples::sum},

      // Variances and norms
      {.name = "aten::linalg_vector_norm",
       .decompose = expand<&to::linalg_vector_norm>,
       .samples = samples::vector_norm},
      {.name = "aten::histc", .meta = counts, .samples = samples::histc},
      {.name = "aten::histogram.bin_ct", .meta = histogram_of_bins, .samples = samples::histogram_of_bins},
      {.name = "aten::histogram.bins_tensor", .meta = histogram_of_edges, .samples = samples::histogram_of_edges},
      {.name = "aten::logsumexp", .decompose = expand<&to::logsumexp>, .samples = samples::logsumexp},
      {.name = "aten::norm.Scalar", .decompose = expand<&to::norm_scalar>, .samples = samples::norm_of_all},
      {.name = "aten::norm.ScalarOpt_dim", .decompose = expand<&to::norm_axes>, .samples = samples::norm},
      {.name = "aten::norm.ScalarOpt_dim_dtype",
       .decompose = expand<&to::norm_axes_dtype>,
       .samples = samples::norm_to_dtype},
      {.name = "aten::norm.ScalarOpt_dtype",
       .decompose = expand<&to::norm_dtype>,
       .samples = samples::norm_of_all_to_dtype},
      {.name = "aten::renorm", .decompose = expand<&to::renorm>, .samples = samples::renorm},
      {.name = "aten::std.correction", .decompose = expand<&to::std_correction>, .samples = samples::variance},
      {.name = "aten::std_mean.correction", .decompose = expand<&to::std_mean>, .samples = samples::variance},
      {.name = "aten::var.correction", .decompose = expand<&to::var>, .samples = samples::variance},
      {.name = "aten::var_mean.correction", .decompose = expand<&to::var_mean>, .samples = samples::variance},

      // Extremes
      {.name = "aten::amax", .meta = fold_same, .onnx = onnx::amax, .samples = samples::axes},
      {.name = "aten::amin", .meta = fold_same, .onnx = onnx::amin, .samples = samples::axes},
      {.name = "aten::aminmax", .decompose = expand<&to::aminmax>, .samples = samples::optional_axis},
      {.name = "aten::dist", .decompose = expand<&to::dist>, .samples = samples::dist},
      {.name = "aten::argmax", .meta = fold_to_index, .onnx = onnx::argmax, .samples = samples::optional_axis},
      {.name = "aten::argmin", .meta = fold_to_index, .onnx = onnx::argmin, .samples = samples::optional_axis},
      {.name = "aten::kthvalue", .meta = kthvalue, .samples = samples::kthvalue},
      {.name = "aten::max", .decompose = expand<&to::max>, .samples = samples::all_of_them},
      {.name = "aten::max.dim", .meta = fold_with_index, .onnx = onnx::max_with_index, .samples = samples::axis},
      {.name = "aten::median", .meta = fold_same, .samples = samples::all_of_them},
      {.name = "aten::median.dim", .meta = fold_with_index, .samples = samples::axis},
      {.name = "aten::min", .decompose = expand<&to::min>, .samples = samples::all_of_them},
      {.name = "aten::min.dim", .meta = fold_with_index, .onnx = onnx::min_with_index, .samples = samples::axis},
      {.name = "aten::nanmedian", .meta = fold_same, .samples = samples::all_of_them},
      {.name = "aten::nanmedian.dim", .meta = fold_with_index, .samples = samples::axis},
      {.name = "aten::mode", .meta = fold_with_index, .samples = samples::axis},

      // Truth values
      {.name = "aten::all", .decompose = expand<&to::all>, .samples = samples::truth_of_all},
      {.name = "aten::all.dim", .decompose = expand<&to::all_axis>, .samples = samples::truth},
      {.name = "aten::all.dims", .decompose = expand<&to::all_axes>, .samples = samples::truth_axes},
      {.name = "aten::any", .meta = fold_truth, .onnx = onnx::any, .samples = samples::truth_of_all},
      {.name = "aten::any.dim", .meta = fold_truth, .onnx = onnx::any, .samples = samples::truth},
      {.name = "aten::any.dims", .meta = fold_truth_axes, .onnx = onnx::any, .samples = samples::truth_axes},

      // Along an axis
      {.name = "aten::cummax", .meta = running_with_index, .samples = samples::running},
      {.name = "aten::cummin", .meta = running_with_index, .samples = samples::running},
      {.name = "aten::cumprod", .meta = running_sum, .samples = samples::running_sum},
      {.name = "aten::cumsum", .meta = running_sum, .onnx = onnx::cumsum, .samples = samples::running_sum},
      {.name = "aten::logcumsumexp", .meta = running, .samples = samples::running},
      {.name = "aten::sort", .meta = sort, .onnx = onnx::sort, .samples = samples::sort},
      {.name = "aten::sort.stable", .meta = sort, .onnx = onnx::sort, .samples = samples::stable_sort},
      {.name = "aten::topk", .meta = topk, .onnx = onnx::topk, .samples = samples::topk},
  };
  return table;
}

}  // namespace tracejet
