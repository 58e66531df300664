#include <limits>

#include <ATen/ops/linspace.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

using List = std::vector<int64_t>;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

at::Tensor cube() { return floats({2, 3, 4}); }
at::Tensor turned() { return floats({2, 3, 4}).permute({2, 0, 1}); }
at::Tensor images() { return floats({2, 3, 4, 5}).contiguous(at::MemoryFormat::ChannelsLast); }

/// Tensors that every reduction takes: no axis is empty.
std::vector<at::Tensor> full_tensors() {
  return {cube(), turned(), images(), floats({}), floats({1, 3}), integers({3, 4})};
}

std::vector<at::Tensor> full_floats() { return {cube(), turned(), images(), floats({}), floats({3, 4}, at::kHalf)}; }

// Sums, products, means ----------------------------------------------------------------------------------------------

Stacks hash() {
  return {{cube(), List{1}, false, 0}, {turned(), List{}, true, 0}, {integers({3, 4}), List{0, 1}, false, 0}};
}

Stacks sum() {
  return {{cube(), List{1}, false, none},
          {cube(), List{0, -1}, true, none},
          {turned(), List{}, false, none},
          {turned(), none, true, none},
          {images(), List{2, 3}, true, none},
          {images(), List{1}, true, none},
          {floats({}), List{0}, false, none},
          {floats({2, 0, 3}), List{1}, false, none},
          {integers({3, 4}, 7, at::kInt), List{0}, false, none},
          {integers({3, 4}), List{1}, false, type(at::kDouble)},
          {floats({3, 4}, at::kHalf), List{1}, false, type(at::kFloat)}};
}

Stacks sum_of_all() {
  return join({each(full_tensors(), {none}), each({floats({2, 0}), bools({3, 4})}, {none}),
               each({cube(), integers({3})}, {type(at::kDouble)})});
}

Stacks mean() {
  return {{cube(), List{1}, false, none},
          {cube(), List{0, -1}, true, none},
          {turned(), none, false, none},
          {images(), List{-1, -2}, true, none},
          {floats({}), List{}, false, none},
          {floats({3, 4}, at::kHalf), List{1}, false, none},
          {integers({3, 4}), List{1}, false, type(at::kFloat)}};
}

Stacks mean_of_all() { return join({each(full_floats(), {none}), each({integers({3})}, {type(at::kFloat)})}); }

Stacks product() {
  return {{cube(), 1, false, none},
          {turned(), -1, true, none},
          {integers({3, 4}, 3, at::kInt), 0, false, none},
          {floats({}), 0, false, none},
          {cube(), 0, true, type(at::kDouble)}};
}

Stacks count_nonzero() {
  return join({each({integers({3, 4}, 3), bools({4, 3}).t(), cube()}, {none}), each({integers({3, 4}, 3)}, {-1})});
}

Stacks count_nonzero_axes() {
  return {{integers({2, 3, 4}, 3), List{0, 2}}, {integers({3, 4}, 3), List{}}, {bools({3, 4}), List{-1}}};
}

// Variances and norms ------------------------------------------------------------------------------------------------

Stacks variance() {
  return {{cube(), List{1}, none, false},      {cube(), List{0, -1}, 0, true},
          {turned(), none, 1, false},          {images(), List{2, 3}, 2, true},
          {images(), none, 1.5, true},         {floats({4, 5}, at::kHalf), List{1}, 1, false},
          {floats({3, 1}), List{1}, 1, false}, {floats({5}, at::kDouble), List{}, 1, false}};
}

Stacks vector_norm() {
  Stacks calls;
  for (const double order : {0.0, 1.0, 2.0, 3.0, 0.5, kInfinity, -kInfinity}) {
    calls.push_back({cube(), order, List{1}, false, none});
    calls.push_back({turned(), order, none, true, none});
  }
  calls.push_back({floats({3, 4}, at::kHalf), 2, List{-1}, true, none});
  calls.push_back({floats({3, 4}, at::kHalf), 2, List{-1}, true, type(at::kFloat)});
  calls.push_back({floats({}), 2, none, false, none});
  return calls;
}

Stacks norm_of_all() { return join({each({cube(), turned(), floats({})}, {2}), each({cube()}, {1.0})}); }

Stacks norm() {
  return {{cube(), 2, List{1}, false}, {turned(), none, List{0, 1}, true}, {cube(), 1.0, List{-1}, true}};
}

Stacks norm_to_dtype() {
  return {{cube(), 2, List{1}, false, type(at::kDouble)},
          {floats({3, 4}, at::kHalf), none, List{1}, true, type(at::kFloat)}};
}

Stacks norm_of_all_to_dtype() { return {{cube(), 2, type(at::kDouble)}, {turned(), none, type(at::kDouble)}}; }

Stacks renorm() { return {{cube(), 2, 0, 1.5}, {turned(), 1, -1, 2}, {floats({3, 4}), kInfinity, 1, 0.5}}; }

Stacks histogram_of_bins() {
  return {{floats({4, 3}), 5, none, none, false}, {floats({7}), 3, std::vector<double>{-1.0, 2.0}, floats({7}), true}};
}

Stacks histogram_of_edges() { return {{floats({4, 3}), at::linspace(-2, 2, 6), none, false}}; }

Stacks logsumexp() {
  const at::Tensor infinite = floats({3, 4}).masked_fill(bools({3, 4}), -kInfinity);
  return {{cube(), List{1}, false},     {turned(), List{0, -1}, true},
          {floats({}), List{0}, false}, {integers({3, 4}), List{1}, false},
          {infinite, List{0}, false},   {floats({2, 3}).fill_(-kInfinity), List{1}, false}};
}

// Extremes -----------------------------------------------------------------------------------------------------------

Stacks axes() {
  return {{cube(), List{1}, false},       {cube(), List{0, -1}, true}, {turned(), List{}, false},
          {images(), List{1}, true},      {floats({}), List{}, false}, {integers({3, 4}), List{0}, false},
          {bools({3, 4}), List{1}, false}};
}

Stacks axis() {
  return {{cube(), 1, false},
          {turned(), -1, true},
          {images(), 1, true},
          {floats({}), 0, false},
          {integers({3, 4}), 0, false}};
}

Stacks optional_axis() {
  return join({axis(), {{cube(), none, false}, {turned(), none, true}, {floats({}), none, false}}});
}

Stacks all_of_them() { return each(full_tensors()); }

Stacks dist() { return {{cube(), cube().neg(), 2}, {floats({3, 4}), floats({4}), 1.5}, {turned(), floats({}), 0}}; }

Stacks histc() { return {{cube(), 7, 0, 0}, {turned(), 3, -1, 1.5}, {floats({}), 1, 0, 0}}; }

Stacks kthvalue() { return {{cube(), 2, 1, false}, {turned(), 1, -1, true}, {floats({}), 1, 0, false}}; }

// Truth values -------------------------------------------------------------------------------------------------------

Stacks truth() {
  return {{bools({3, 4}), 1, false}, {cube(), 1, true},
          {turned(), -1, false},     {integers({3, 4}, 2, at::kByte), 0, false},
          {bools({}), 0, false},     {bools({3, 0}), 1, false}};
}

Stacks truth_axes() {
  return {{bools({2, 3, 4}), List{0, 2}, false},
          {turned(), none, true},
          {bools({3, 4}), List{}, false},
          {bools({3, 4}).t(), List{1}, true},
          {integers({3, 4}, 2, at::kByte), List{0}, false}};
}

Stacks truth_of_all() {
  return each({bools({3, 4}), turned(), integers({3, 4}, 2), integers({3}, 2, at::kByte), bools({}), bools({2, 0})});
}

// Along an axis ------------------------------------------------------------------------------------------------------

Stacks scan() { return {{cube(), 1}, {turned(), -1}, {images(), 1}, {floats({}), 0}}; }

Stacks scan_sum() {
  return {{cube(), 1, none},
          {turned(), -1, none},
          {images(), 0, none},
          {floats({}), 0, none},
          {integers({3, 4}, 7, at::kInt), 0, none},
          {bools({3, 4}), 1, none},
          {cube(), 1, type(at::kDouble)}};
}

Stacks sort() {
  return {{cube(), 1, false},
          {turned(), -1, true},
          {images(), 1, false},
          {floats({}), 0, false},
          {integers({4, 6}).slice(1, 0, 6, 2), 0, false}};
}

Stacks stable_sort() {
  return {{cube(), true, 1, false}, {turned(), false, -1, true}, {integers({3, 4}), none, 0, false}};
}

Stacks topk() {
  return {{cube(), 2, -1, true, true},
          {turned(), 1, 0, false, true},
          {images(), 3, 1, true, true},
          {floats({}), 1, 0, true, true}};
}

}  // namespace

std::span<const OperatorSamples> reduction_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::count_nonzero", count_nonzero},
      {"aten::count_nonzero.dim_IntList", count_nonzero_axes},
      {"aten::hash_tensor", hash},
      {"aten::mean", mean_of_all},
      {"aten::mean.dim", mean},
      {"aten::nansum", sum},
      {"aten::prod", sum_of_all},
      {"aten::prod.dim_int", product},
      {"aten::sum", sum_of_all},
      {"aten::sum.dim_IntList", sum},
      {"aten::linalg_vector_norm", vector_norm},
      {"aten::histc", histc},
      {"aten::histogram.bin_ct", histogram_of_bins},
      {"aten::histogram.bins_tensor", histogram_of_edges},
      {"aten::logsumexp", logsumexp},
      {"aten::norm.Scalar", norm_of_all},
      {"aten::norm.ScalarOpt_dim", norm},
      {"aten::norm.ScalarOpt_dim_dtype", norm_to_dtype},
      {"aten::norm.ScalarOpt_dtype", norm_of_all_to_dtype},
      {"aten::renorm", renorm},
      {"aten::std.correction", variance},
      {"aten::std_mean.correction", variance},
      {"aten::var.correction", variance},
      {"aten::var_mean.correction", variance},
      {"aten::amax", axes},
      {"aten::amin", axes},
      {"aten::aminmax", optional_axis},
      {"aten::dist", dist},
      {"aten::argmax", optional_axis},
      {"aten::argmin", optional_axis},
      {"aten::kthvalue", kthvalue},
      {"aten::max", all_of_them},
      {"aten::max.dim", axis},
      {"aten::median", all_of_them},
      {"aten::median.dim", axis},
      {"aten::min", all_of_them},
      {"aten::min.dim", axis},
      {"aten::nanmedian", all_of_them},
      {"aten::nanmedian.dim", axis},
      {"aten::mode", axis},
      {"aten::all", truth_of_all},
      {"aten::all.dim", truth},
      {"aten::all.dims", truth_axes},
      {"aten::any", truth_of_all},
      {"aten::any.dim", truth},
      {"aten::any.dims", truth_axes},
      {"aten::cummax", scan},
      {"aten::cummin", scan},
      {"aten::cumprod", scan_sum},
      {"aten::cumsum", scan_sum},
      {"aten::logcumsumexp", scan},
      {"aten::sort", sort},
      {"aten::sort.stable", stable_sort},
      {"aten::topk", topk},
  };
  return table;
}

}  // namespace tracejet::samples
