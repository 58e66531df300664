#include "ir/analysis/element_flow.h"

#include <array>
#include <unordered_map>

namespace tracejet {

namespace {

using Order = ElementFlow::Order;

constexpr std::array<std::string_view, 1> kSelf{"self"}, kInput{"input"}, kTensors{"tensors"}, kFilled{"fill_value"},
    kScalar{"s"};
constexpr std::array<std::string_view, 2> kSelfAndSource{"self", "src"}, kSelfAndValue{"self", "value"};

struct Row {
  const char* name;
  const char* overload;
  Order order;
  std::span<const std::string_view> arguments = kSelf;
};

// A view as another dtype isn't here: its elements are other numbers.
constexpr Row kRows[] = {
    {"aten::view", "", Order::kKept},
    {"aten::_unsafe_view", "", Order::kKept},
    {"aten::reshape", "", Order::kKept},
    {"aten::flatten", "using_ints", Order::kKept},
    {"aten::squeeze", "", Order::kKept},
    {"aten::squeeze", "dim", Order::kKept},
    {"aten::squeeze", "dims", Order::kKept},
    {"aten::unsqueeze", "", Order::kKept},
    {"aten::clone", "", Order::kKept},
    {"aten::alias", "", Order::kKept},
    {"aten::detach", "", Order::kKept},
    {"aten::contiguous", "", Order::kKept},
    {"aten::lift_fresh_copy", "", Order::kKept},

    {"aten::permute", "", Order::kMoved},
    {"aten::transpose", "int", Order::kMoved},
    {"aten::t", "", Order::kMoved},
    {"aten::flip", "", Order::kMoved},
    {"aten::roll", "", Order::kMoved},
    {"aten::pixel_shuffle", "", Order::kMoved},
    {"aten::pixel_unshuffle", "", Order::kMoved},
    {"aten::cat", "", Order::kMoved, kTensors},
    {"aten::stack", "", Order::kMoved, kTensors},

    {"aten::expand", "", Order::kPicked},
    {"aten::repeat", "", Order::kPicked},
    {"aten::slice", "Tensor", Order::kPicked},
    {"aten::select", "int", Order::kPicked},
    {"aten::diagonal", "", Order::kPicked},
    {"aten::unfold", "", Order::kPicked},
    // Each of these gives several tensors, all of them together what they cut.
    {"aten::split", "Tensor", Order::kPicked},
    {"aten::split", "sizes", Order::kPicked},
    {"aten::split_with_sizes", "", Order::kPicked},
    {"aten::chunk", "", Order::kPicked},
    {"aten::unbind", "int", Order::kPicked},
    {"aten::index", "Tensor", Order::kPicked},
    {"aten::index_select", "", Order::kPicked},
    {"aten::gather", "", Order::kPicked},
    {"aten::amax", "", Order::kPicked},
    {"aten::amin", "", Order::kPicked},
    {"aten::reflection_pad1d", "", Order::kPicked},
    {"aten::reflection_pad2d", "", Order::kPicked},
    {"aten::reflection_pad3d", "", Order::kPicked},
    {"aten::replication_pad1d", "", Order::kPicked},
    {"aten::replication_pad2d", "", Order::kPicked},
    {"aten::replication_pad3d", "", Order::kPicked},
    {"aten::upsample_nearest1d", "", Order::kPicked},
    {"aten::upsample_nearest2d", "", Order::kPicked},
    {"aten::upsample_nearest3d", "", Order::kPicked},
    {"aten::upsample_nearest1d", "vec", Order::kPicked, kInput},
    {"aten::upsample_nearest2d", "vec", Order::kPicked, kInput},
    {"aten::upsample_nearest3d", "vec", Order::kPicked, kInput},
    {"aten::slice_scatter", "", Order::kPicked, kSelfAndSource},
    {"aten::select_scatter", "", Order::kPicked, kSelfAndSource},
    {"aten::constant_pad_nd", "", Order::kPicked, kSelfAndValue},
    {"aten::full", "", Order::kPicked, kFilled},
    {"aten::full_like", "", Order::kPicked, kFilled},
    {"aten::scalar_tensor", "", Order::kPicked, kScalar},
};

std::unordered_map<c10::OperatorName, ElementFlow> make_table() {
  std::unordered_map<c10::OperatorName, ElementFlow> table;
  for (const Row& row : kRows) {
    table.emplace(c10::OperatorName(row.name, row.overload), ElementFlow{row.order, row.arguments});
  }
  return table;
}

}  // namespace

const ElementFlow* find_element_flow(const c10::OperatorHandle& op) {
  static const auto table = make_table();
  const auto found = table.find(op.operator_name());
  return found == table.end() ? nullptr : &found->second;
}

}  // namespace tracejet
