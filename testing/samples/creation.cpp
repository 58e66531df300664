#include <ATen/ops/full.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

using List = std::vector<int64_t>;

std::vector<at::Tensor> models() {
  return {floats({2, 3}), floats({}), integers({3}), bools({2, 2}), floats({4, 3}).t(), floats({2, 0}, at::kHalf)};
}

// Numbers in order ---------------------------------------------------------------------------------------------------

Stacks arange() { return with_options({{7}, {0}, {2.5}, {4.0}}, at::kFloat); }

Stacks arange_start() { return with_options({{2, 7}, {-1.5, 3}, {3, 3}}, at::kDouble); }

Stacks arange_start_step() {
  return join({with_options({{2, 9, 3}, {9, 2, -3}, {0.0, 1.0, 0.1}, {5, 0, -0.5}, {0, 10, 5}, {4, 4, 2}}, at::kFloat),
               with_options({{0.5, 6.9, 2.5}}, at::kLong)});
}

Stacks eye() { return with_options({{3}, {0}}, at::kLong); }

Stacks eye_m() { return with_options({{3, 5}, {4, 2}}, at::kInt); }

Stacks linspace() {
  return join({with_options({{0, 1, 5}, {-2.5, 7, 8}, {3, 3, 1}, {0, 1, 0}, {0, 12, 7}}, at::kDouble),
               with_options({{-1.5, 9.9, 4}}, at::kLong)});
}

Stacks logspace() {
  return join({with_options({{0, 2, 5, 10.0}, {-1.5, 1, 4, 2.0}, {1, 5, 1, 10.0}}, at::kDouble),
               with_options({{0.5, 4.9, 4, 2.0}}, at::kLong)});
}

at::Tensor end(double value) { return at::full({}, value); }

Stacks linspace_tensors() {
  return join({with_options({{end(-2.5), end(7), 8}, {end(3), end(5), 1}, {end(0), end(1), 0}}, at::kFloat),
               with_options({{end(-1.5), end(9.9), 4}}, at::kLong)});
}

Stacks linspace_to_tensor() { return with_options({{-2.5, end(7), 8}}, at::kFloat); }
Stacks linspace_from_tensor() { return with_options({{end(-2.5), 7, 8}}, at::kFloat); }

Stacks logspace_tensors() {
  return join({with_options({{end(-1.5), end(1), 4, 2.0}, {end(1), end(5), 1, 10.0}}, at::kFloat),
               with_options({{end(0.5), end(4.9), 4, 2.0}}, at::kLong)});
}

Stacks logspace_to_tensor() { return with_options({{-1.5, end(1), 4, 2.0}}, at::kFloat); }
Stacks logspace_from_tensor() { return with_options({{end(-1.5), 1, 4, 2.0}}, at::kFloat); }

// The same number everywhere -----------------------------------------------------------------------------------------

Stacks copy() {
  return {{floats({2, 3}), integers({3}), false},
          {integers({2, 3}), floats({2, 3}), false},
          {floats({4, 3}).t(), floats({}), false}};
}

Stacks fill() { return join({each(models(), {1}), each({floats({2, 3})}, {2.5})}); }

Stacks fill_tensor() {
  return join({each(models(), {integers({})}), each({floats({2, 3})}, {floats({}, at::kDouble)})});
}

Stacks full() { return with_options({{List{2, 3}, 1.5}, {List{}, 2}, {List{0, 3}, true}, {List{4}, -1}}, at::kFloat); }

Stacks full_like() { return with_options(each(models(), {2}), at::kDouble, {none}); }

Stacks like() { return with_options(each(models()), at::kDouble, {none}); }

Stacks new_full() { return with_options(each(models(), {List{3, 2}, 2}), at::kInt); }

Stacks new_sized() { return with_options(each(models(), {List{3, 2}}), at::kInt); }

Stacks scalar_tensor() { return with_options({{1.5}, {2}, {true}}, at::kLong); }

Stacks refilled() { return each(models()); }

Stacks sized() { return with_options({{List{2, 3}}, {List{}}, {List{0, 3}}, {List{1, 2, 1, 4}}}, at::kDouble); }

// No particular numbers ----------------------------------------------------------------------------------------------

Stacks empty() {
  return join({with_options({{List{2, 3}}, {List{}}, {List{0, 3}}}, at::kInt, {none}),
               with_options({{List{2, 3, 4, 5}}}, at::kInt, {format(at::MemoryFormat::ChannelsLast)}),
               with_options({{List{2, 3, 4, 5, 6}}}, at::kInt, {format(at::MemoryFormat::ChannelsLast3d)})});
}

Stacks empty_permuted() {
  return with_options({{List{2, 3, 4}, List{1, 2, 0}}, {List{2, 3}, List{0, 1}}, {List{}, List{}}}, at::kInt);
}

Stacks empty_strided() {
  return with_options({{List{2, 3, 4}, List{1, 8, 2}}, {List{2, 3}, List{3, 1}}, {List{}, List{}}}, at::kInt);
}

Stacks new_empty_strided() { return with_options(each(models(), {List{2, 3}, List{1, 2}}), at::kInt); }

}  // namespace

std::span<const OperatorSamples> creation_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::arange", arange},
      {"aten::arange.start", arange_start},
      {"aten::arange.start_step", arange_start_step},
      {"aten::eye", eye},
      {"aten::eye.m", eye_m},
      {"aten::linspace", linspace},
      {"aten::logspace", logspace},
      {"aten::linspace.Tensor_Tensor", linspace_tensors},
      {"aten::linspace.Scalar_Tensor", linspace_to_tensor},
      {"aten::linspace.Tensor_Scalar", linspace_from_tensor},
      {"aten::logspace.Tensor_Tensor", logspace_tensors},
      {"aten::logspace.Scalar_Tensor", logspace_to_tensor},
      {"aten::logspace.Tensor_Scalar", logspace_from_tensor},
      {"aten::copy", copy},
      {"aten::fill.Scalar", fill},
      {"aten::fill.Tensor", fill_tensor},
      {"aten::full", full},
      {"aten::full_like", full_like},
      {"aten::new_full", new_full},
      {"aten::new_ones", new_sized},
      {"aten::new_zeros", new_sized},
      {"aten::ones", sized},
      {"aten::ones_like", like},
      {"aten::scalar_tensor", scalar_tensor},
      {"aten::zero", refilled},
      {"aten::zeros", sized},
      {"aten::zeros_like", like},
      {"aten::empty.memory_format", empty},
      {"aten::empty_like", like},
      {"aten::empty_permuted", empty_permuted},
      {"aten::empty_strided", empty_strided},
      {"aten::new_empty", new_sized},
      {"aten::new_empty_strided", new_empty_strided},
  };
  return table;
}

}  // namespace tracejet::samples
