// Compares what two graphs compute, by the numbers of their values.
#include "ir/analysis/equivalence.h"

#include <algorithm>
#include <set>

#include "ir/analysis/value_numbering.h"
#include "symbolic/cases.h"

namespace tracejet {

namespace {

/// Notes that a value is uniform, and what that says of those it is computed from.
void learn(const Value& value, bool truth, const ValueNumbering& numbering, Uniform& uniform) {
  if (value.tensor().dtype != at::kBool) return;
  uniform.emplace(numbering.base_of_value(value), truth);
  if (value.producer() == nullptr) return;
  const Call call(*value.producer());
  const std::string name = call.name();
  if (name == "aten::logical_not" || name == "aten::bitwise_not") {
    learn(call.value("self"), !truth, numbering, uniform);
  } else if (name == (truth ? "aten::all" : "aten::any")) {
    learn(call.value("self"), truth, numbering, uniform);
  }
}

/// What data that go the asserted ways are known to be: none of a mask is true, or all of it.
Uniform uniform_where_asserted(const Graph& graph, const ValueNumbering& numbering) {
  Uniform uniform;
  for (const Node& node : graph.nodes()) {
    if (is_data_branch(node)) learn(Call(node).value("self"), true, numbering, uniform);
  }
  return uniform;
}

bool is_on_data(const Graph& graph) {
  return std::ranges::any_of(graph.shapes().symbols(), [](const symbolic::Symbol& symbol) { return !symbol.backed; });
}

/// What a trace relies on that its declared ranges leave open.
std::set<std::string> relied_on(const Graph& graph, const symbolic::Case& sizes) {
  std::set<std::string> conditions;
  for (const symbolic::Guard& guard : graph.shapes().guards()) {
    const bool is_about_small_sizes =
        guard.kind == symbolic::Guard::Kind::kZeroOne || guard.kind == symbolic::Guard::Kind::kRequirement;
    if (!is_about_small_sizes) conditions.insert(symbolic::in_case(guard.condition, sizes).str());
  }
  conditions.erase("True");
  return conditions;
}

bool computes_the_same_in_case(const Graph& general, const symbolic::Case& sizes, const Graph& special) {
  NumbersOfValues numbers;
  return std::ranges::includes(relied_on(general, sizes), relied_on(special, sizes)) &&
         ValueNumbering(general, sizes, numbers).outputs() == ValueNumbering(special, sizes, numbers).outputs();
}

}  // namespace

bool computes_the_same(const Graph& general, const Graph& special, std::span<const symbolic::Condition> conditions) {
  // Numbers of data have names by the order they are read in, which may be another one.
  if (is_on_data(general) || is_on_data(special)) return false;
  symbolic::Case generals;
  for (const symbolic::Symbol& symbol : general.shapes().symbols()) {
    generals.emplace(symbol.name, symbolic::Expression::of(symbol));
  }
  std::vector<symbolic::Condition> of_general;
  for (const symbolic::Condition& condition : conditions) of_general.push_back(in_case(condition, generals));
  const auto cases = symbolic::cases_of(of_general);
  return std::ranges::all_of(cases, [&](symbolic::Case sizes) {
    sizes.insert(generals.begin(), generals.end());
    return computes_the_same_in_case(general, sizes, special);
  });
}

bool computes_the_same_for_data(const Graph& general, const Graph& special) {
  if (is_on_data(general) || is_on_data(special)) return false;
  const symbolic::Case sizes;
  NumbersOfValues numbers;
  const Uniform uniform = uniform_where_asserted(special, ValueNumbering(special, sizes, numbers));
  return std::ranges::includes(relied_on(general, sizes), relied_on(special, sizes)) &&
         ValueNumbering(general, sizes, numbers, uniform).outputs() ==
             ValueNumbering(special, sizes, numbers, uniform).outputs();
}

bool computes_the_same(const Graph& general, const std::map<std::string, int64_t>& numbers_of_sizes,
                       const Graph& special) {
  symbolic::Case sizes;
  for (const auto& [name, size] : numbers_of_sizes) sizes.emplace(name, size);
  NumbersOfValues numbers;
  const ValueNumbering at_sizes(general, sizes, numbers);
  const ValueNumbering as_numbers(special, sizes, numbers);
  // What the special trace relies on beyond the general one would make the proof a proof for fewer sizes.
  return at_sizes.outputs() == as_numbers.outputs() &&
         std::ranges::includes(at_sizes.assertions(), as_numbers.assertions());
}

}  // namespace tracejet
