#include "engines/aten/fusion/row_ops.h"

#include <algorithm>
#include <unordered_map>

#include "engines/aten/fusion/kernel_types.h"
#include "ir/call.h"

namespace tracejet::aten {

namespace {

constexpr int64_t kLongestRow = 8192;

std::optional<RowOp> op_by_name(const Node& node) {
  static const std::unordered_map<std::string, RowOp> table{
      {"aten::native_layer_norm", RowOp::kLayerNorm},
      {"aten::_fused_rms_norm", RowOp::kRmsNorm},
      {"aten::_softmax", RowOp::kSoftmax},
      {"aten::sum.dim_IntList", RowOp::kSum},
      {"aten::mean.dim", RowOp::kMean},
      {"aten::amax", RowOp::kMax},
      {"tracejet::rotate_half", RowOp::kRotateHalf},
  };
  const auto found = table.find(Call(node).name());
  return found == table.end() ? std::nullopt : std::optional(found->second);
}

bool is_along_last_axis(const Call& call, RowOp op, int64_t rank) {
  if (op == RowOp::kLayerNorm || op == RowOp::kRmsNorm) return call.sym_ints("normalized_shape").size() == 1;
  if (op == RowOp::kRotateHalf) return true;
  if (op == RowOp::kSoftmax) return call.axis("dim", rank) == rank - 1;
  return call.flag("keepdim") && call.axes("dim", rank) == std::vector<int64_t>{rank - 1};
}

/// Norms and softmax take and give one dtype; sums and the like may convert before.
bool has_one_dtype(const Node& node, RowOp op) {
  const at::ScalarType dtype = node.outputs().front()->tensor().dtype;
  if (op == RowOp::kSum || op == RowOp::kMean || op == RowOp::kMax) return true;
  bool is_one = true;
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& value) { is_one = is_one && value.tensor().dtype == dtype; });
  }
  return is_one;
}

}  // namespace

std::optional<RowOp> row_op(const Node& node) {
  const auto op = op_by_name(node);
  if (!op) return std::nullopt;
  const TensorMeta &rows = rows_of(node).tensor(), &result = node.outputs().front()->tensor();
  if (rows.dim() == 0 || !at::isFloatingType(rows.dtype) || !at::isFloatingType(result.dtype)) return std::nullopt;
  if (kernel_type(rows.dtype) == nullptr || kernel_type(result.dtype) == nullptr) return std::nullopt;
  const auto length = rows.sizes.back().maybe_as_int();
  if (!length || *length < 2 || *length > kLongestRow) return std::nullopt;
  const bool is_on_one_device = std::ranges::all_of(node.arguments(), [&](const Argument& argument) {
    bool is_there = true;
    for_each_value(argument, [&](const Value& value) {
      is_there = is_there && value.is_tensor() && value.tensor().device == result.device;
    });
    return is_there;
  });
  if (!is_on_one_device || !has_one_dtype(node, *op)) return std::nullopt;
  return is_along_last_axis(Call(node), *op, rows.dim()) ? op : std::nullopt;
}

const Value& rows_of(const Node& node) {
  const Call call(node);
  return call.value(call.declares("self") ? "self" : "input");
}

}  // namespace tracejet::aten
