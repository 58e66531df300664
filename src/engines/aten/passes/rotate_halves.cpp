#include "engines/aten/passes/rotate_halves.h"

#include "engines/aten/fusion/rotate_half_op.h"
#include "engines/aten/passes/matching.h"
#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

namespace {

struct RowHalf {
  const Value* whole;
  bool is_first;
};

/// A number of a call, where it is one that is known.
std::optional<int64_t> known_number(const Call& call, std::string_view name) {
  const auto* constant = std::get_if<c10::IValue>(&call.argument(name));
  return constant != nullptr && constant->isInt() ? std::optional(constant->toInt()) : std::nullopt;
}

/// What a value is a half of, along the last axis.
std::optional<RowHalf> half_of(const Value& value) {
  const Node* node = value.producer();
  const int64_t rank = value.tensor().dim();
  if (node == nullptr || rank == 0) return std::nullopt;
  const bool is_slice = is_call_of(*node, "aten::slice.Tensor");
  const bool is_split = is_call_of(*node, "aten::split_with_sizes") && node->outputs().size() == 2;
  if (!is_slice && !is_split) return std::nullopt;
  const Call call(*node);
  const Value& whole = call.value("self");
  const auto length = whole.tensor().sizes.back().maybe_as_int(), own = value.tensor().sizes.back().maybe_as_int();
  if (call.axis("dim", rank) != rank - 1 || !length || !own || *own == 0 || 2 * *own != *length) return std::nullopt;
  if (is_split) return RowHalf{&whole, node->outputs().front() == &value};
  const auto start = call.has("start") ? known_number(call, "start") : 0;
  if (!start || known_number(call, "step") != 1) return std::nullopt;
  if (*start == 0) return RowHalf{&whole, true};
  if (*start == *own || *start == -*own) return RowHalf{&whole, false};
  return std::nullopt;
}

/// x of cat((-second half of x, first half of x), -1); null where it isn't that.
const Value* rotated_by(const Node& node) {
  if (!is_call_of(node, "aten::cat")) return nullptr;
  const Value& result = *node.outputs().front();
  const auto* parts = std::get_if<std::vector<const Value*>>(&Call(node).argument("tensors"));
  if (parts == nullptr || parts->size() != 2 ||
      Call(node).axis("dim", result.tensor().dim()) != result.tensor().dim() - 1)
    return nullptr;
  const Value* negated = self_of(*parts->front(), "aten::neg");
  const auto second = negated == nullptr ? std::nullopt : half_of(*negated);
  const auto first = half_of(*parts->back());
  if (!first || !second || first->whole != second->whole || !first->is_first || second->is_first) return nullptr;
  return at::isFloatingType(result.tensor().dtype) ? first->whole : nullptr;
}

}  // namespace

void rotate_halves_of(Graph& graph, c10::DeviceType type) {
  for_each_node(graph, [&](const Node& node) {
    const Value* rotated = rotated_by(node);
    if (rotated == nullptr || rotated->tensor().device.type() != type) return;
    replace_node(graph, node, rotate_half_op(), {rotated});
  });
}

void rotate_halves(Graph& graph) { rotate_halves_of(graph, c10::kCUDA); }

}  // namespace tracejet::aten
