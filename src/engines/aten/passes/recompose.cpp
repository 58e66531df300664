#include "engines/aten/passes/recompose.h"

#include <numbers>

#include "engines/aten/passes/matching.h"
#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

namespace {

bool has_dtype_of(const Value& a, const Value& b) {
  return a.tensor().dtype == b.tensor().dtype && at::isFloatingType(a.tensor().dtype);
}

/// x of x * sigmoid(x); null where it isn't that.
const Value* silu_of(const Value& value) {
  const auto factors = product(value);
  if (!factors || factors->other == nullptr) return nullptr;
  for (const auto& [x, gate] : {std::pair(factors->tensor, factors->other), {factors->other, factors->tensor}}) {
    if (self_of(*gate, "aten::sigmoid") == x && has_dtype_of(*x, value)) return x;
  }
  return nullptr;
}

/// x of 1 / sqrt(x)
const Value* rsqrt_of(const Value& value) {
  const Node* node = made_by(value, "aten::div.Tensor");
  if (node == nullptr || !Call(*node).is_number("self")) return nullptr;
  const c10::Scalar one = Call(*node).scalar("self");
  const Value* root = Call(*node).optional_value("other");
  if (root == nullptr || one.isSymbolic() || one.toDouble() != 1) return nullptr;
  const Value* x = self_of(*root, "aten::sqrt");
  return x != nullptr && has_dtype_of(*x, value) ? x : nullptr;
}

/// x of x + 0.044715 * x^3, where the cube is a power or products
const Value* inner_of(const Value& value) {
  const auto terms = sum(value);
  if (!terms || terms->other == nullptr) return nullptr;
  for (const auto& [x, rest] : {std::pair(terms->tensor, terms->other), {terms->other, terms->tensor}}) {
    const Value* cube = times(*rest, 0.044715);
    const Node* power = cube == nullptr ? nullptr : made_by(*cube, "aten::pow.Tensor_Scalar");
    if (power == nullptr || Call(*power).optional_value("self") != x) continue;
    const c10::Scalar exponent = Call(*power).scalar("exponent");
    if (!exponent.isSymbolic() && exponent.toDouble() == 3) return x;
  }
  return nullptr;
}

/// x of (0.5 * x) * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
const Value* gelu_of(const Value& value) {
  const auto factors = product(value);
  if (!factors || factors->other == nullptr) return nullptr;
  for (const auto& [half, rest] : {std::pair(factors->tensor, factors->other), {factors->other, factors->tensor}}) {
    const Value* x = times(*half, 0.5);
    const Value* bent = x == nullptr ? nullptr : plus(*rest, 1);
    const Value* scaled = bent == nullptr ? nullptr : self_of(*bent, "aten::tanh");
    const Value* inner = scaled == nullptr ? nullptr : times(*scaled, std::numbers::sqrt2 * std::numbers::inv_sqrtpi);
    if (inner != nullptr && inner_of(*inner) == x && has_dtype_of(*x, value)) return x;
  }
  return nullptr;
}

}  // namespace

void recompose(Graph& graph) {
  for_each_node(graph, [&](const Node& node) {
    if (node.outputs().size() != 1 || node.outputs().front() == nullptr || !node.outputs().front()->is_tensor()) return;
    const Value& value = *node.outputs().front();
    if (const Value* x = silu_of(value)) {
      replace_node(graph, node, find_op("aten::silu"), {x});
    } else if (const Value* x = rsqrt_of(value)) {
      replace_node(graph, node, find_op("aten::rsqrt"), {x});
    } else if (const Value* x = gelu_of(value)) {
      replace_node(graph, node, find_op("aten::gelu"), {x, "tanh"});
    }
  });
}

}  // namespace tracejet::aten
