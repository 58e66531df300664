#include "capture/constraints.h"

#include "ir/model_line.h"

namespace tracejet {

void add_assertion(Graph& graph, const symbolic::Condition& condition, const symbolic::Guard& guard,
                   const SymbolAxes& axes, const std::unordered_set<uint64_t>& from_around) {
  const Location where = guard.where.empty() ? Location{} : guard.where.front();
  std::string message = guard.op.empty() ? "" : "[" + guard.op + "] can't take these sizes: ";
  message += in_words(condition, axes) + " doesn't hold, which this program relies on";
  if (const std::string line = describe(where, graph); !line.empty()) message += "\n" + line;
  graph.add_assertion(condition, message, where, from_around);
}

void add_assertions(Graph& graph, const symbolic::Diagnosis& diagnosis, const SymbolAxes& axes) {
  const auto guards = graph.shapes().guards();
  // Each that depends on no data goes to the front, so the last comes first.
  for (auto assertion = diagnosis.assertions.rbegin(); assertion != diagnosis.assertions.rend(); ++assertion) {
    add_assertion(graph, assertion->condition, guards[assertion->guard], axes);
  }
}

}  // namespace tracejet
