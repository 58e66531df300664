#include "capture/trace_guards.h"

#include <algorithm>

#include "base/error.h"
#include "ir/size_expression.h"

namespace tracejet {

void TraceGuards::know_index(const c10::SymInt& index, const c10::SymInt& count) {
  symbolic::Context& shapes = scopes_.shapes();
  const symbolic::Expression number = expression_of(index);
  for (const symbolic::Condition& holds :
       {symbolic::less_equal(0, number), symbolic::less(number, expression_of(count))}) {
    const size_t guard = shapes.guards().size();
    shapes.expect(holds);
    if (shapes.guards().size() > guard) of_indices_.insert(guard);
  }
}

/// What a branch or loop body relies on is checked where it runs, and nowhere else.
void TraceGuards::add_assertions_of_subgraph(std::span<const symbolic::Guard> assertions, size_t symbols_around) {
  const symbolic::Context& shapes = scopes_.shapes();
  std::unordered_set<uint64_t> from_around;
  for (const symbolic::Symbol& symbol : shapes.symbols().first(symbols_around)) from_around.insert(symbol.id);
  std::vector<symbolic::Condition> known;
  std::unordered_set<uint64_t> indices;
  for (const size_t index : of_indices_) {
    known.push_back(shapes.guards()[index].condition);
    for (const symbolic::Symbol& symbol : symbolic::symbols_of(known.back())) {
      if (!symbol.backed) indices.insert(symbol.id);
    }
  }
  for (auto guard = assertions.rbegin(); guard != assertions.rend(); ++guard) {
    if (std::ranges::find(known, guard->condition) != known.end()) continue;
    for (const symbolic::Symbol& symbol : symbolic::symbols_of(guard->condition)) {
      if (!indices.contains(symbol.id)) continue;
      throw UnsupportedOperator(
          "what the body of a loop does depends on the number of its iteration: " + guard->condition.str(),
          ErrorCode::kSizeLoop);
    }
    add_assertion(*scopes_.graph(), guard->condition, *guard, symbol_axes_, from_around);
  }
}

void TraceGuards::add_assertions_of_program(const symbolic::DiagnosisOptions& options) {
  symbolic::Diagnosis diagnosis = symbolic::diagnose(scopes_.shapes(), options);
  std::erase_if(diagnosis.assertions, [&](const auto& assertion) { return of_indices_.contains(assertion.guard); });
  add_assertions(*scopes_.program().graph, diagnosis, symbol_axes_);
}

}  // namespace tracejet
