#include <limits>

#include <ATen/ops/complex.h>
#include <ATen/ops/tensor.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

using List = std::vector<int64_t>;
using Tensors = std::vector<at::Tensor>;

at::Tensor channels_last(const at::Tensor& tensor) { return tensor.contiguous(at::MemoryFormat::ChannelsLast); }

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

// The same elements in another shape ---------------------------------------------------------------------------------

Stacks layouts_only() { return each(layouts()); }

Stacks view() {
  return {{floats({2, 3, 4}), List{6, 4}},
          {floats({2, 3, 4}), List{2, -1}},
          {floats({2, 3, 4}), List{2, 3, 2, 2}},
          {floats({2, 3, 4}), List{1, 2, 1, 3, 4, 1}},
          {floats({6, 4}).t().slice(0, 0, 2), List{2, 2, 3}},
          {floats({2, 3, 4}).permute({2, 0, 1}), List{2, 2, 6}},
          {floats({4, 1, 3}).permute({2, 1, 0}), List{3, 4, 1}},
          {floats({5, 8}).slice(1, 0, 8, 2), List{5, 2, 2}},
          {floats({3, 1}).expand({3, 4}), List{3, 2, 2}},
          {floats({}), List{}},
          {floats({}), List{1, 1}},
          {floats({1, 1}), List{}},
          {floats({2, 0, 3}), List{0, 6}},
          {floats({2, 0, 3}), List{2, 0, 3}},
          {floats({2, 12}), List{-1, 3, 4}},
          {channels_last(floats({2, 3, 4, 5})), List{2, 3, 20}},
          {floats({3, 1, 4}).transpose(0, 1), List{12}}};
}

/// ATen only calls it on what it has just computed, which is dense.
Stacks unsafe_view() {
  return {{floats({2, 3, 4}), List{6, 4}}, {floats({2, 12}), List{-1, 3, 4}}, {floats({}), List{1, 1}}};
}

Stacks flatten() {
  return {{floats({2, 3, 4}), 0, -1}, {floats({2, 3, 4}), 1, 1},  {floats({2, 3, 4}).permute({2, 0, 1}), 1, 2},
          {floats({}), 0, -1},        {floats({0, 3, 2}), -2, 2}, {channels_last(floats({2, 3, 4, 5})), 1, -1}};
}

Stacks reshape() {
  Stacks calls = view();
  calls.push_back({floats({4, 3}).t(), List{-1}});
  calls.push_back({floats({2, 3, 4}).permute({2, 0, 1}), List{4, 6}});
  calls.push_back({channels_last(floats({2, 3, 4, 5})), List{2, 60}});
  return calls;
}

/// What is larger than before holds arbitrary values.
Stacks resize_as() {
  return {{floats({2, 3}), floats({3, 2}), none},
          {floats({2, 3}), floats({5}), format(at::MemoryFormat::Contiguous)},
          {floats({2, 3, 4, 5}), channels_last(floats({2, 5, 3, 4})), format(at::MemoryFormat::Preserve)}};
}

Stacks reshape_alias() {
  return {{floats({2, 3, 4}), List{6, 4}, List{4, 1}}, {floats({3, 4}), List{3, 2, 2}, List{4, 2, 1}}};
}

Stacks as_strided() {
  return {{floats({4, 6}), List{3, 2}, List{6, 2}, none},
          {floats({4, 6}), List{2, 2, 2}, List{1, 1, 0}, 3},
          {floats({4, 6}), List{}, List{}, 5}};
}

Stacks permute() {
  return {{floats({2, 3, 4}), List{2, 0, 1}},
          {floats({2, 3, 4}), List{-1, -3, -2}},
          {floats({}), List{}},
          {channels_last(floats({2, 3, 4, 5})), List{0, 2, 3, 1}}};
}

Stacks expand() {
  return {{floats({3, 1}), List{3, 4}, false},
          {floats({3, 1}), List{2, -1, 4}, false},
          {floats({}), List{2, 3}, false},
          {floats({3, 4}), List{1, 1, 3, 4}, false},
          {floats({4, 3}).t(), List{2, 3, 4}, false},
          {floats({1, 4}), List{1, -1}, false},
          {floats({1}), List{0}, false},
          {floats({5, 1}).t(), List{1, 1, 5}, false}};
}

Stacks expand_as() {
  return {{floats({3, 1}), floats({2, 3, 4})}, {floats({}), floats({2})}, {floats({3}), floats({3})}};
}

Stacks squeeze_axis() {
  return {{floats({2, 1, 3}), 1}, {floats({2, 1, 3}), -1}, {floats({1}), 0}, {floats({}), -1}, {floats({3, 1}).t(), 0}};
}

Stacks squeeze_axes() {
  return {{floats({2, 1, 3, 1}), List{1, -1}},
          {floats({2, 1, 3, 1}), List{0, 1}},
          {floats({}), List{0}},
          {floats({1, 1}), List{}}};
}

Stacks unsqueeze() {
  return {{floats({2, 3}), 0},
          {floats({2, 3}), -1},
          {floats({4, 3}).t(), 1},
          {floats({}), 0},
          {floats({3, 1}).expand({3, 4}), 1}};
}

Stacks matrices() {
  return each({floats({3, 4}), floats({4, 3}).t(), integers({3, 3}), integers({2, 5}, 7, at::kInt)});
}

Stacks transpose() {
  return {{floats({2, 3, 4}), 0, 2}, {floats({2, 3, 4}), -1, -2}, {floats({2, 3}), 1, 1}, {floats({}), 0, -1}};
}

Stacks view_as_dtype() {
  return {{floats({3, 4}), type(at::kInt)},
          {floats({3, 4}), type(at::kDouble)},
          {floats({3, 4}), type(at::kHalf)},
          {floats({3, 2, 4}).transpose(0, 1), type(at::kByte)}};
}

Stacks view_as_complex() { return each({floats({3, 2}), floats({4, 3, 2}), floats({3, 4, 2}).transpose(0, 1)}); }

Stacks complex_tensors() {
  const at::Tensor numbers = at::complex(floats({4, 3}), floats({4, 3}));
  return each({numbers, numbers.t(), numbers.select(0, 0)});
}

// Parts --------------------------------------------------------------------------------------------------------------

Stacks diagonal() {
  return {{floats({3, 4}), 0, 0, 1}, {floats({3, 4}), 2, 0, 1},     {floats({3, 4}), -1, 0, 1},
          {floats({3, 4}), 9, 0, 1}, {floats({2, 3, 4}), 1, -1, 0}, {floats({2, 3, 4}).permute({2, 0, 1}), 0, 0, 2}};
}

Stacks diff() {
  return {{floats({4, 6}), 1, -1, none, none},
          {floats({4, 6}).t(), 2, 0, none, none},
          {floats({4, 6}), 1, 0, floats({1, 6}), floats({2, 6})},
          {bools({4, 6}), 1, 1, none, none},
          {floats({2, 6}), 3, 0, none, none}};
}
Stacks narrow() { return {{floats({4, 6}), 1, 2, 3}, {floats({4, 6}).t(), 0, -4, 2}, {floats({4}), 0, 1, 0}}; }

Stacks select() {
  return {{floats({2, 3, 4}), 1, 2}, {floats({2, 3, 4}), -1, -4}, {floats({3}), 0, 0}, {floats({4, 3}).t(), 0, 1}};
}

Stacks slice() {
  return {{floats({4, 6}), 1, 1, 4, 1},      {floats({4, 6}), 1, none, none, 2}, {floats({4, 6}), -1, -3, kEnd, 1},
          {floats({4, 6}), 0, -9, 9, 3},     {floats({4, 6}), 0, 3, 2, 1},       {floats({4, 6}), 0, 7, kEnd, 1},
          {floats({4, 6}).t(), 0, 0, -1, 1}, {floats({4, 1, 6}), 1, 0, 1, 2},    {floats({0, 6}), 0, 0, 5, 1}};
}

Stacks split() {
  return {{floats({4, 6}), 2, 1},
          {floats({4, 6}), 3, 0},
          {floats({4, 6}).t(), 9, -1},
          {floats({0, 3}), 2, 0},
          {floats({0, 3}), 0, 0}};
}

Stacks split_into() { return {{floats({7, 2}), 3, 0}, {floats({2, 6}), 2, -1}, {floats({2}), 4, 0}}; }

Stacks tensor_split_by_data() {
  return {{floats({7, 3}), at::tensor({2, 5}, at::kLong), 0}, {floats({4, 7}), at::tensor({3, -1, 9}, at::kLong), 1}};
}

Stacks two_tensors() {
  return {{floats({2, 3}), floats({2, 3})}, {floats({2, 3}), floats({3, 3})}, {floats({6}), floats({2, 4})}};
}

Stacks tensor_split() {
  return {{floats({7, 2}), 3, 0}, {floats({2, 6}), 3, -1}, {floats({2}), 4, 0}, {floats({0, 3}), 2, 0}};
}

Stacks split_with_sizes() {
  return {{floats({4, 6}), List{1, 2, 3}, 1}, {floats({4, 6}).t(), List{6, 0}, 0}, {floats({4}), List{4}, -1}};
}

Stacks unbind() { return {{floats({2, 3, 4}), 0}, {floats({2, 3, 4}), -1}, {floats({3}), 0}, {floats({0, 3}), 0}}; }

Stacks unfold() {
  return {{floats({3, 7}), 1, 3, 2},
          {floats({7, 3}), 0, 2, 2},
          {floats({2, 8, 3}).transpose(0, 1), -3, 4, 1},
          {floats({}), 0, 1, 1}};
}

// Copies -------------------------------------------------------------------------------------------------------------

Stacks clone() {
  return join({each(layouts(), {none}), each(layouts(), {format(at::MemoryFormat::Preserve)}),
               each(layouts(), {format(at::MemoryFormat::Contiguous)}),
               each({floats({2, 3, 4, 5}), floats({2, 3, 1, 1})}, {format(at::MemoryFormat::ChannelsLast)})});
}

Stacks to_copy() {
  return join({each(layouts(), {none, none, none, none, false, none}),
               each(layouts(), {type(at::kDouble), none, none, none, false, none}),
               each({floats({4, 3}).t()},
                    {type(at::kLong), none, c10::Device(c10::kCPU), none, false, format(at::MemoryFormat::Contiguous)}),
               each({floats({2, 3, 4, 5})},
                    {type(at::kHalf), none, none, none, false, format(at::MemoryFormat::ChannelsLast)})});
}

Stacks flip() {
  return join({each(layouts(), {List{}}), each({floats({2, 3, 4}), floats({4, 3}).t()}, {List{0, -1}})});
}

Stacks cat() {
  return {{Tensors{floats({2, 3}), floats({2, 4})}, 1},
          {Tensors{floats({2, 3}), floats({5, 3}), floats({1, 3})}, 0},
          {Tensors{floats({3, 2}).t(), floats({4, 2}).t()}, -1},
          {Tensors{floats({0}), floats({2, 3})}, 1},
          {Tensors{floats({0}), floats({0})}, 0},
          {Tensors{floats({2, 3}), integers({2, 3})}, 0},
          {Tensors{integers({3}, 7, at::kInt), integers({3})}, 0},
          {Tensors{floats({3}, at::kHalf), floats({3}, at::kDouble)}, 0},
          {Tensors{channels_last(floats({2, 3, 4, 5})), channels_last(floats({2, 1, 4, 5}))}, 1},
          {Tensors{channels_last(floats({2, 3, 4, 5})), floats({2, 3, 4, 5})}, 1},
          {Tensors{channels_last(floats({2, 3, 1, 1})), channels_last(floats({2, 3, 1, 1}))}, 1},
          {Tensors{floats({2, 3})}, 0}};
}

Stacks broadcast_tensors() {
  return {{Tensors{floats({2, 3}), floats({3})}},
          {Tensors{floats({2, 1}), floats({1, 3}), floats({})}},
          {Tensors{floats({1}), floats({0})}},
          {Tensors{floats({2, 3})}}};
}

Stacks stack() {
  return {{Tensors{floats({2, 3}), floats({2, 3})}, 0},
          {Tensors{floats({2, 3}), integers({2, 3})}, -1},
          {Tensors{floats({}), floats({}), floats({})}, 0},
          {Tensors{floats({3, 2}).t(), floats({3, 2}).t()}, 1}};
}

Stacks chunk_cat() {
  return {{Tensors{floats({5, 3}), floats({4, 3})}, 0, 2},
          {Tensors{floats({2, 7}), floats({2, 3, 4})}, 1, 3},
          {Tensors{floats({2, 3}), floats({2, 4})}, -1, 4}};
}

Stacks block_diag() {
  return {{Tensors{floats({2, 3}), floats({4}), floats({}), floats({1, 2})}},
          {Tensors{integers({2, 3}), floats({2, 1})}},
          {Tensors{floats({2, 0}), floats({3, 2}).t()}},
          {Tensors{floats({3})}}};
}

Stacks repeat() {
  return {{floats({2, 3}), List{2, 3}},
          {floats({3}), List{2, 1, 4}},
          {floats({}), List{3}},
          {floats({4, 3}).t(), List{1, 2}},
          {floats({3}), List{0}}};
}

Stacks roll() {
  return {{floats({3, 4}), List{1}, List{1}},
          {floats({3, 4}), List{-1, 6}, List{0, -1}},
          {floats({3, 4}), List{5}, List{}},
          {floats({4, 3}).t(), List{0}, List{0}},
          {floats({0, 3}), List{2}, List{0}}};
}

Stacks rot90() {
  return {{floats({3, 4}), 0, List{0, 1}},
          {floats({3, 4}), 1, List{0, 1}},
          {floats({2, 3, 4}), 2, List{1, 2}},
          {floats({3, 4}), -1, List{1, 0}},
          {floats({3, 4}), 7, List{0, -1}}};
}

// Matrices with much 0 in them ---------------------------------------------------------------------------------------

Stacks diag_embed() {
  return {{floats({3}), 0, -2, -1},
          {floats({2, 3}), 1, 0, 2},
          {floats({2, 3}), -2, -1, 0},
          {integers({3}), 0, 1, 0},
          {bools({2, 3}), 1, -2, -1}};
}

Stacks diagonal_scatter() {
  return {{floats({3, 4}), floats({3}), 0, 0, 1},        {floats({3, 4}), floats({2}), 2, 0, 1},
          {floats({3, 4}), floats({2}), -1, 0, 1},       {floats({4, 3}), integers({3}), 1, 1, 0},
          {floats({2, 3, 4}), floats({3, 2}), -1, 2, 0}, {integers({2, 3, 4}), integers({2, 3}), 1, 1, 2}};
}

Stacks triangle() {
  return {{floats({3, 4}), 0}, {floats({2, 4, 3}), 1}, {integers({4, 3}).t(), -1}, {bools({3, 3}), 0}};
}

}  // namespace

std::span<const OperatorSamples> view_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::alias_copy", layouts_only},
      {"aten::as_strided_copy", as_strided},
      {"aten::expand_copy", expand},
      {"aten::narrow_copy", narrow},
      {"aten::permute_copy", permute},
      {"aten::split_with_sizes_copy", split_with_sizes},
      {"aten::squeeze_copy", layouts_only},
      {"aten::squeeze_copy.dim", squeeze_axis},
      {"aten::squeeze_copy.dims", squeeze_axes},
      {"aten::t_copy", matrices},
      {"aten::transpose_copy.int", transpose},
      {"aten::unbind_copy.int", unbind},
      {"aten::unsqueeze_copy", unsqueeze},
      {"aten::view_copy", view},
      {"aten::_reshape_alias", reshape_alias},
      {"aten::_unsafe_view", unsafe_view},
      {"aten::alias", layouts_only},
      {"aten::as_strided", as_strided},
      {"aten::is_same_size", two_tensors},
      {"aten::_has_same_storage_numel", two_tensors},
      {"aten::detach", layouts_only},
      {"aten::broadcast_tensors", broadcast_tensors},
      {"aten::expand", expand},
      {"aten::expand_as", expand_as},
      {"aten::flatten.using_ints", flatten},
      {"aten::lift_fresh", layouts_only},
      {"aten::lift_fresh_copy", layouts_only},
      {"aten::permute", permute},
      {"aten::reshape", reshape},
      {"aten::resize_as", resize_as},
      {"aten::squeeze", layouts_only},
      {"aten::squeeze.dim", squeeze_axis},
      {"aten::squeeze.dims", squeeze_axes},
      {"aten::t", matrices},
      {"aten::transpose.int", transpose},
      {"aten::unsqueeze", unsqueeze},
      {"aten::view", view},
      {"aten::view.dtype", view_as_dtype},
      {"aten::view_as_complex", view_as_complex},
      {"aten::view_as_real", complex_tensors},
      {"aten::diagonal", diagonal},
      {"aten::diff", diff},
      {"aten::narrow", narrow},
      {"aten::select.int", select},
      {"aten::slice.Tensor", slice},
      {"aten::split.Tensor", split},
      {"aten::split_with_sizes", split_with_sizes},
      {"aten::tensor_split.sections", tensor_split},
      {"aten::tensor_split.tensor_indices_or_sections", tensor_split_by_data},
      {"aten::unsafe_chunk", split_into},
      {"aten::unbind.int", unbind},
      {"aten::unfold", unfold},
      {"aten::unfold_copy", unfold},
      {"aten::unsafe_split.Tensor", split},
      {"aten::unsafe_split_with_sizes", split_with_sizes},
      {"aten::_to_copy", to_copy},
      {"aten::cat", cat},
      {"aten::clone", clone},
      {"aten::flip", flip},
      {"aten::repeat", repeat},
      {"aten::roll", roll},
      {"aten::rot90", rot90},
      {"aten::_chunk_cat", chunk_cat},
      {"aten::block_diag", block_diag},
      {"aten::stack", stack},
      {"aten::diag_embed", diag_embed},
      {"aten::diagonal_copy", diagonal},
      {"aten::diagonal_scatter", diagonal_scatter},
      {"aten::trace", matrices},
      {"aten::tril", triangle},
      {"aten::triu", triangle},
  };
  return table;
}

}  // namespace tracejet::samples
