#include <limits>

#include <ATen/ops/tensor.h>

#include "testing/samples/families.h"
#include "testing/samples/samples.h"

namespace tracejet::samples {

namespace {

using List = std::vector<int64_t>;
using Optional = std::optional<at::Tensor>;

at::Tensor cube() { return floats({4, 3, 5}); }
at::Tensor turned() { return floats({4, 3, 5}).permute({2, 0, 1}); }

/// Positions on an axis of `limit`, no two equal if there are few enough.
at::Tensor positions(at::IntArrayRef sizes, int64_t limit) { return integers(sizes, limit); }

c10::IValue indices(std::initializer_list<Optional> list) { return c10::List<Optional>(list); }

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

// Reading ------------------------------------------------------------------------------------------------------------

Stacks bucketize() {
  const at::Tensor bounds = at::tensor({-1.5, -0.5, 0.25, 1.0}, at::kFloat);
  return {{floats({3, 4}), bounds, false, false},
          {floats({4, 3}).t(), bounds, true, true},
          {floats({}), bounds, false, false}};
}

Stacks searchsorted() {
  const at::Tensor bounds = at::tensor({-1.5, -0.5, 0.25, 1.0}, at::kFloat);
  return {{bounds, floats({3, 4}), false, false, none, none}, {bounds, floats({4, 3}).t(), true, true, none, none}};
}

Stacks gather() {
  return {{cube(), 1, positions({4, 2, 5}, 3), false},
          {turned(), -1, positions({5, 4, 6}, 3), false},
          {cube(), 0, positions({2, 3, 2}, 4).permute({0, 1, 2}), false},
          {floats({}), 0, positions({}, 1), false},
          {integers({3, 4}), 0, positions({4, 2}, 3).t(), false}};
}

Stacks index() {
  return {{cube(), indices({positions({2}, 4)})},
          {cube(), indices({Optional(), positions({2, 6}, 3)})},
          {turned(), indices({Optional(), positions({6}, 4)})},
          {turned(), indices({positions({6}, 5), positions({6}, 4)})},
          {cube(), indices({positions({2, 1}, 4), positions({3}, 3)})},
          {cube(), indices({positions({2, 1}, 4), Optional(), positions({3}, 5)})},
          {cube(), indices({positions({2}, 4), positions({2}, 3), positions({2}, 5)})},
          {cube(), indices({positions({3, 2}, 4).t(), positions({3, 2}, 3).t(), positions({3, 2}, 5).t()})},
          {floats({2, 4, 3, 5}).permute({0, 3, 1, 2}),
           indices({Optional(), Optional(), positions({3, 1}, 4), positions({6}, 3)})},
          {floats({4}), indices({positions({}, 4)})},
          {cube(), indices({positions({0}, 4)})},
          {floats({3, 4}), indices({positions({5}, 3), positions({}, 4)})},
          {integers({3, 4}), indices({positions({2}, 3).to(at::kInt)})}};
}

Stacks index_select() {
  return {{cube(), 1, positions({7}, 3)},
          {turned(), -1, positions({2}, 3).to(at::kInt)},
          {cube(), 0, positions({}, 4)},
          {floats({4}), 0, positions({0}, 4)},
          {floats({}), 0, positions({1}, 1)}};
}

Stacks combinations() {
  return {{floats({5}), 2, false}, {floats({4}), 3, true}, {integers({3}), 1, false}, {floats({1}), 2, false}};
}

Stacks isin() {
  return {{integers({3, 4}), integers({2}, 5), false, false},
          {integers({3, 4}), integers({2, 2}, 5), false, true},
          {floats({3}), floats({5}), true, false}};
}

Stacks isin_number() {
  return {
      {integers({3, 4}), 3, false, false}, {integers({3, 4}), 3, true, true}, {integers({3, 4}), 2.5, false, false}};
}

Stacks is_number_in() {
  return {{3, integers({3, 4}), false, false}, {3, integers({3, 4}), true, true}, {9, integers({3}), false, true}};
}

Stacks masked_index() {
  const at::Tensor beyond = positions({4}, 9).sub(2);
  return {{cube(), beyond.ge(0).view({4, 1, 1}), indices({beyond}), 0.5},
          {turned(), beyond.lt(3), indices({beyond, Optional(), beyond}), 0},
          {integers({3, 4}), bools({4}), indices({beyond, positions({4}, 4)}), 7}};
}

Stacks masked_index_put() {
  const at::Tensor beyond = positions({4}, 9).sub(2);
  return {{floats({5, 4}), beyond.ge(0), indices({beyond, positions({4}, 4)}), floats({4})},
          {floats({7}), bools({4}), indices({beyond}), floats({4})}};
}

Stacks nonzero_static() {
  return {{cube().gt(0), 7, -1}, {turned().gt(1), 50, 0}, {floats({}), 2, -1}, {bools({6}), 0, -1}};
}

Stacks take() {
  return {{cube(), positions({2, 6}, 60)}, {turned(), positions({7}, 60)}, {floats({3}), positions({}, 3)}};
}

Stacks take_along_dim() {
  return {{cube(), positions({4, 2, 5}, 3), 1},
          {cube(), positions({1, 2, 1}, 3), -2},
          {cube(), positions({7}, 60), none},
          {cube(), positions({4, 2, 5}, 60), 1}};
}

// Writing ------------------------------------------------------------------------------------------------------------

Stacks index_reduce() {
  return {{cube(), 1, positions({2}, 3), floats({4, 2, 5}), "prod", true},
          {turned(), 0, positions({3}, 5), floats({3, 4, 3}), "amax", false},
          {floats({4}), 0, positions({2}, 4), floats({2}), "mean", true}};
}

Stacks put() {
  return {{cube(), positions({3}, 60), floats({3}), false}, {turned(), positions({2}, 60), floats({2}), true}};
}

Stacks index_put() {
  return {{cube(), indices({positions({2}, 4)}), floats({2, 3, 5}), false},
          {turned(), indices({positions({3}, 5), positions({3}, 4)}), floats({3}), true},
          {cube(), indices({Optional(), positions({2}, 3)}), floats({}), true},
          {floats({4, 6}).slice(1, 0, 6, 2), indices({positions({2}, 4)}), floats({}), false},
          {integers({3, 4}), indices({positions({2}, 3), positions({2}, 4)}), integers({2}), true}};
}

Stacks index_add() {
  return {{cube(), 1, positions({4}, 3), floats({4, 4, 5}), 1},
          {turned(), 0, positions({2}, 5), floats({2, 4, 3}), 0.5},
          {integers({3, 4}), -1, positions({2}, 4), integers({3, 2}), 3},
          {floats({4}), 0, positions({2}, 4), floats({2}), 1}};
}

Stacks index_copy() {
  return {{cube(), 1, positions({2}, 3), floats({4, 2, 5})},
          {turned(), 0, positions({2}, 5), floats({2, 4, 3})},
          {floats({4}), 0, positions({}, 4), floats({})}};
}

Stacks index_fill() {
  return {{cube(), 1, positions({2}, 3), 1.5},
          {turned(), 0, positions({}, 5), 2},
          {integers({4}), 0, positions({2}, 4), 9}};
}

Stacks index_fill_tensor() {
  return {{cube(), 1, positions({2}, 3), floats({})}, {integers({4}), 0, positions({2}, 4), integers({})}};
}

Stacks masked_scatter() {
  return {{cube(), bools({4, 3, 5}), floats({70})},
          {turned(), bools({5, 4, 3}), floats({8, 9})},
          {cube(), bools({5}), floats({60})}};
}

Stacks scatter() {
  return {{cube(), 1, positions({4, 2, 5}, 3), floats({4, 3, 5}).neg()},
          {turned(), 0, positions({3, 4, 3}, 5), floats({5, 4, 3})},
          {integers({3, 4}), -1, positions({3, 2}, 4), integers({3, 2})},
          {floats({}), 0, positions({}, 1), floats({})}};
}

Stacks scatter_value() {
  return {{cube(), 1, positions({4, 2, 5}, 3), 1.5},
          {turned(), 0, positions({3, 4, 3}, 5), 2},
          {integers({3, 4}), 0, positions({2, 4}, 3), 7}};
}

Stacks scatter_with_reduce() {
  return {{cube(), 1, positions({4, 2, 5}, 3), floats({4, 3, 5}), "add"},
          {turned(), 0, positions({3, 4, 3}, 5), floats({5, 4, 3}), "multiply"}};
}

Stacks scatter_reduce() {
  return {{cube(), 1, positions({4, 2, 5}, 3), floats({4, 3, 5}), "sum", true},
          {turned(), 0, positions({3, 4, 3}, 5), floats({5, 4, 3}), "amax", false},
          {cube(), 2, positions({4, 3, 5}, 5), floats({4, 3, 5}), "mean", true}};
}

Stacks select_scatter() {
  return {{cube(), floats({4, 5}), 1, 2},
          {turned(), floats({4, 3}), 0, -1},
          {integers({3}), integers({}), 0, 0},
          {integers({3, 2}), floats({2}), 0, 1}};
}

Stacks slice_scatter() {
  return {{cube(), floats({4, 2, 5}), 1, 1, kEnd, 1},      {cube(), floats({2, 3, 5}), 0, none, 2, 1},
          {turned(), floats({5, 4, 3}), 0, none, none, 1}, {cube(), floats({4, 3, 2}), -1, 1, 4, 2},
          {floats({9}), floats({3}), 0, -8, kEnd, 3},      {cube(), floats({0, 3, 5}), 0, 3, 2, 1},
          {integers({4}), floats({2}), 0, 1, 3, 1}};
}

}  // namespace

std::span<const OperatorSamples> indexing_samples() {
  static constexpr OperatorSamples table[] = {
      {"aten::nonzero_static", nonzero_static},
      {"aten::_unsafe_index.Tensor", index},
      {"aten::_unsafe_masked_index", masked_index},
      {"aten::bucketize.Tensor", bucketize},
      {"aten::combinations", combinations},
      {"aten::gather", gather},
      {"aten::index.Tensor", index},
      {"aten::index_select", index_select},
      {"aten::isin.Scalar_Tensor", is_number_in},
      {"aten::isin.Tensor_Scalar", isin_number},
      {"aten::isin.Tensor_Tensor", isin},
      {"aten::searchsorted.Tensor", searchsorted},
      {"aten::take_along_dim", take_along_dim},
      {"aten::take", take},
      {"aten::_unsafe_masked_index_put_accumulate", masked_index_put},
      {"aten::_unsafe_index_put", index_put},
      {"aten::index_add", index_add},
      {"aten::index_copy", index_copy},
      {"aten::index_fill.int_Scalar", index_fill},
      {"aten::index_fill.int_Tensor", index_fill_tensor},
      {"aten::index_reduce", index_reduce},
      {"aten::put", put},
      {"aten::index_put", index_put},
      {"aten::masked_scatter", masked_scatter},
      {"aten::scatter.reduce", scatter_with_reduce},
      {"aten::scatter.src", scatter},
      {"aten::scatter.value", scatter_value},
      {"aten::scatter_add", scatter},
      {"aten::scatter_reduce.two", scatter_reduce},
      {"aten::select_scatter", select_scatter},
      {"aten::slice_scatter", slice_scatter},
  };
  return table;
}

}  // namespace tracejet::samples
