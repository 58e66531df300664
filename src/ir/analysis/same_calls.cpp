// Compares two graphs call by call.
#include <algorithm>
#include <set>
#include <unordered_map>

#include "ir/analysis/equivalence.h"
#include "ir/analysis/literal_text.h"
#include "ir/analysis/same_data.h"
#include "ir/assertion.h"
#include "ir/call.h"

namespace tracejet {

namespace {

std::vector<const Node*> calls_of(const Graph& graph) {
  std::vector<const Node*> calls;
  for (const Node& node : graph.nodes()) {
    if (!assertion_of(node)) calls.push_back(&node);
  }
  return calls;
}

/// Everything that is computed, by the order that it is computed in.
class SameCalls {
 public:
  explicit SameCalls(const LiteralText& literals) : literals_(literals) {}

  bool operator()(const Graph& a, const Graph& b) {
    const auto calls = calls_of(a), others = calls_of(b);
    return std::ranges::equal(a.inputs(), b.inputs(), [this](const auto& x, const auto& y) { return inputs(x, y); }) &&
           std::ranges::equal(calls, others, [this](const Node* x, const Node* y) { return nodes(*x, *y); }) &&
           std::ranges::equal(a.outputs(), b.outputs(), [this](const auto& x, const auto& y) { return outputs(x, y); });
  }

 private:
  bool pair(const Value* a, const Value* b) {
    if (a != nullptr && b != nullptr) partner_.emplace(a, b);
    return (a == nullptr) == (b == nullptr);
  }

  bool values(const Value* a, const Value* b) const {
    if (a == nullptr || b == nullptr) return a == b;
    const auto found = partner_.find(a);
    return found != partner_.end() && found->second == b;
  }

  bool inputs(const GraphInput& a, const GraphInput& b) {
    const bool is_data = a.kind == GraphInput::Kind::kConstant;
    return a.kind == b.kind && a.name == b.name && pair(a.value, b.value) && (!is_data || is_same_data(a.data, b.data));
  }

  bool nodes(const Node& a, const Node& b) {
    if (squeezes_alike(a, b)) return pair(a.outputs()[0], b.outputs()[0]);
    return a.op() == b.op() &&
           std::ranges::equal(a.arguments(), b.arguments(),
                              [this](const auto& x, const auto& y) { return arguments(x, y); }) &&
           std::ranges::equal(a.subgraphs(), b.subgraphs(),
                              [this](const auto& x, const auto& y) { return (*this)(*x, *y); }) &&
           std::ranges::equal(a.outputs(), b.outputs(), [this](const Value* x, const Value* y) { return pair(x, y); });
  }

  /// Without axes, squeeze takes away what is 1 in a run; with static sizes, a trace has the axes written down.
  bool squeezes_alike(const Node& a, const Node& b) const {
    if (Call(a).name() != "aten::squeeze" || b.op().operator_name().name != "aten::squeeze") return false;
    const auto is_kept = [this](const c10::SymInt& size) { return literals_.of(size) != "1"; };
    const auto kept = std::ranges::count_if(Call(b).tensor("self").sizes, is_kept);
    return arguments(a.arguments()[0], b.arguments()[0]) && kept == b.outputs()[0]->tensor().dim();
  }

  bool arguments(const Argument& a, const Argument& b) const {
    if (a.index() != b.index()) return false;
    if (const auto* value = std::get_if<const Value*>(&a)) return values(*value, std::get<const Value*>(b));
    if (const auto* list = std::get_if<std::vector<const Value*>>(&a)) {
      return std::ranges::equal(*list, std::get<std::vector<const Value*>>(b),
                                [this](const Value* x, const Value* y) { return values(x, y); });
    }
    return literals_.of(std::get<c10::IValue>(a)) == literals_.of(std::get<c10::IValue>(b));
  }

  bool outputs(const GraphOutput& a, const GraphOutput& b) const {
    return a.kind == b.kind && a.target == b.target && values(a.value, b.value) &&
           (a.value != nullptr || literals_.of(a.literal) == literals_.of(b.literal));
  }

  const LiteralText& literals_;
  std::unordered_map<const Value*, const Value*> partner_;
};

}  // namespace

bool makes_the_same_calls(const Graph& general, const std::map<std::string, int64_t>& numbers_of_sizes,
                          const Graph& special) {
  symbolic::Case sizes;
  for (const auto& [name, size] : numbers_of_sizes) sizes.emplace(name, size);
  const LiteralText literals(sizes);
  return SameCalls(literals)(general, special);
}

}  // namespace tracejet
