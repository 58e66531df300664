#include "ir/analysis/call_conditions.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_set>

#include "ir/call.h"
#include "ir/model_line.h"
#include "ir/schema.h"
#include "ir/size_expression.h"

namespace tracejet {

namespace {

using symbolic::Condition;

/// Those of them that round quotients of integers.
constexpr std::array<std::string_view, 4> kDivisions = {"aten::div", "aten::floor_divide", "aten::fmod",
                                                        "aten::remainder"};

bool is_open(const Graph& graph, const Condition& condition) { return graph.shapes().decide(condition) != true; }

void add_negative_sizes(const Graph& graph, const Node& node, std::vector<RuntimeAssertion>& found) {
  for (const Value* value : node.outputs()) {
    if (value == nullptr || !value->is_tensor()) continue;
    for (const c10::SymInt& size : value->tensor().sizes) {
      const symbolic::Expression expression = expression_of(size);
      if (expression.range().min >= 0) continue;
      const Condition condition = symbolic::less_equal(0, expression);
      if (!is_open(graph, condition)) continue;
      found.push_back(
          {condition, "would give a tensor with a size of " + expression.str() + ", which is negative here"});
    }
  }
}

void add_zero_divisor(const Graph& graph, const Node& node, std::vector<RuntimeAssertion>& found) {
  const std::string& name = node.op().operator_name().name;
  if (std::ranges::find(kDivisions, name) == kDivisions.end()) return;
  const Call call(node);
  const TensorMeta& quotient = node.outputs().front()->tensor();
  if (!c10::isIntegralType(quotient.dtype, /*includeBool=*/false) || !call.is_number("other")) return;
  const c10::Scalar divisor = call.scalar("other");
  if (!divisor.isSymbolic()) return;  // PyTorch's kernel says so in every run
  const symbolic::Expression by = expression_of(divisor.toSymInt());
  const Condition condition =
      symbolic::logical_or(symbolic::equal(expression_of(quotient.numel()), 0), symbolic::not_equal(by, 0));
  if (is_open(graph, condition)) found.push_back({condition, "divides by a size, " + by.str() + ", which is 0 here"});
}

std::vector<RuntimeAssertion> conditions_of(const Graph& graph, const Node& node) {
  std::vector<RuntimeAssertion> found;
  add_negative_sizes(graph, node, found);
  add_zero_divisor(graph, node, found);
  return found;
}

}  // namespace

std::vector<RuntimeAssertion> call_conditions(const Graph& graph) {
  std::vector<RuntimeAssertion> conditions;
  std::unordered_set<Condition> met;
  for (const Node& node : graph.nodes()) {
    for (RuntimeAssertion& each : conditions_of(graph, node)) {
      if (!met.insert(each.condition).second) continue;
      each.message = "[" + full_name(node.op()) + "] " + each.message + "\n" + describe(node.where(), graph);
      conditions.push_back(std::move(each));
    }
  }
  return conditions;
}

bool may_be_refused(const Graph& graph, const Node& node) { return !conditions_of(graph, node).empty(); }

}  // namespace tracejet
