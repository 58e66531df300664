#include "ir/passes/common_subexpressions.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <unordered_map>
#include <unordered_set>

#include "ir/analysis/evaluate.h"
#include "ir/assertion.h"
#include "ir/symbolic_constant.h"

namespace tracejet {

namespace {

/// Only where it is certain.
bool is_same(const c10::IValue& a, const c10::IValue& b) {
  if (is_symbolic_number(a) || is_symbolic_number(b)) {
    const auto one = symbolic_expression(a), other = symbolic_expression(b);
    return one && other && *one == *other;
  }
  if (a.tagKind() != b.tagKind()) return false;
  if (a.isNone()) return true;
  if (a.isInt()) return a.toInt() == b.toInt();
  if (a.isBool()) return a.toBool() == b.toBool();
  if (a.isDouble()) return std::bit_cast<uint64_t>(a.toDouble()) == std::bit_cast<uint64_t>(b.toDouble());
  if (a.isString()) return a.toStringRef() == b.toStringRef();
  if (a.isDevice()) return a.toDevice() == b.toDevice();
  if (a.isList()) {
    const auto elements = a.toListRef(), others = b.toListRef();
    return std::ranges::equal(elements, others, is_same);
  }
  return false;
}

bool is_same_argument(const Argument& a, const Argument& b) {
  if (a.index() != b.index()) return false;
  const auto* constant = std::get_if<c10::IValue>(&a);
  return constant != nullptr ? is_same(*constant, std::get<c10::IValue>(b)) : a == b;
}

bool has_same_meta(const Value* a, const Value* b) {
  if (a == nullptr || b == nullptr) return a == b;
  const auto is_equal = [](const c10::SymInt& x, const c10::SymInt& y) { return symbolic::is_statically_equal(x, y); };
  const TensorMeta &x = a->tensor(), &y = b->tensor();
  return x.dtype == y.dtype && x.device == y.device && std::ranges::equal(x.sizes, y.sizes, is_equal) &&
         std::ranges::equal(x.strides, y.strides, is_equal);
}

bool computes_the_same(const Node& a, const Node& b) {
  return a.op() == b.op() && std::ranges::equal(a.arguments(), b.arguments(), is_same_argument) &&
         std::ranges::equal(a.outputs(), b.outputs(), has_same_meta);
}

/// Of an operator and the values that it takes.
size_t hash_of(const Node& node) {
  size_t hash = std::hash<c10::OperatorName>()(node.op().operator_name());
  for (const Argument& argument : node.arguments()) {
    for_each_value(argument, [&](const Value& value) { hash = hash * 31 + static_cast<size_t>(value.id()); });
  }
  return hash;
}

/// Custom operators may do more than their schema says.
bool may_be_merged(const Node& node, const std::unordered_set<const Value*>& given) {
  const auto is_tensor_inside = [&](const Value* output) {
    return output == nullptr || (output->is_tensor() && !given.contains(output));
  };
  return can_evaluate(node) && node.op().operator_name().name.starts_with("aten::") &&
         !node.op().schema().is_mutable() && !node.outputs().empty() &&
         std::ranges::all_of(node.outputs(), is_tensor_inside) && unbacked_symbols_from(node).empty();
}

}  // namespace

void merge_common_subexpressions(Graph& graph) {
  std::unordered_set<const Value*> given;
  for (const GraphOutput& output : graph.outputs()) given.insert(output.value);
  std::unordered_map<size_t, std::vector<const Node*>> known;
  for (auto next = graph.nodes().begin(); next != graph.nodes().end();) {
    const Node& node = *next++;
    if (!may_be_merged(node, given)) continue;
    std::vector<const Node*>& alike = known[hash_of(node)];
    const auto first = std::ranges::find_if(alike, [&](const Node* other) { return computes_the_same(*other, node); });
    if (first == alike.end()) {
      alike.push_back(&node);
      continue;
    }
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      if (node.outputs()[i] != nullptr) graph.replace_all_uses(*node.outputs()[i], *(*first)->outputs()[i]);
    }
    graph.erase(node);
  }
}

}  // namespace tracejet
