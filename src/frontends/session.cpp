#include "frontends/session.h"

#include "base/error.h"
#include "capture/constraints.h"
#include "frontends/suggestion.h"
#include "ir/analysis/equivalence.h"
#include "report/shape_report.h"

namespace tracejet {

void Session::run() {
  try {
    trace_with_rewritten_calls();
  } catch (...) {
    if (traces_.frontend().kind_of(std::current_exception()) != Failure::kDataDependent) throw;
    const Trace general = trace_for_all_data(traces_, *last_);
    if (general == nullptr) throw;
    check_loops(*general);
    best_ = general;
  }
  best_ = trace_for_any_texts(best_);
  if (!best_->variation().data.empty()) return;  // a trace at other sizes may ask other questions about data
  best_ = trace_for_all_branches(traces_, best_);
}

void Session::trace_with_rewritten_calls() {
  const auto run = [&](ModelTrace& trace) {
    trace.run();
    traces_.check_second_call(trace);
    check_loops(trace);
  };
  for (auto trace = first_;; trace = traces_.make()) {
    last_ = trace;
    try {
      run(*trace);
      best_ = trace;
      break;
    } catch (...) {
      const Failure failure = traces_.frontend().kind_of(std::current_exception());
      if (failure == Failure::kInterrupted || !traces_.frontend().rewrite_calls()) throw;
    }
  }
  while (traces_.frontend().rewrite_calls()) {
    const auto trace = traces_.make();
    if (traces_.failure_of([&] { run(*trace); })) {  // what the code does with the results takes plain numbers only
      traces_.frontend().undo_rewrite();
      return;
    }
    best_ = trace;
  }
}

void Session::check_loops(const ModelTrace& trace) {
  if (!trace.tracer().subgraphs().has_loops_of_model()) return;
  const Trace other = traces_.run({.data = trace.variation().data, .runs_of_bodies = 2});
  if (trace.gives_like(*other) && gives_the_same_results(*trace.graph(), *other->graph())) return;
  throw UnsupportedOperator(
      "the body of a loop over a dynamic size changes something that outlives a run, and that the next run "
      "or the code behind the loop reads; carry tensors in variables, or append them to a list",
      ErrorCode::kSizeLoop);
}

Trace Session::trace_for_any_texts(Trace first) {
  Frontend& frontend = traces_.frontend();
  if (!frontend.asks_for_texts()) return first;
  const auto comes_out_the_same = [&] {
    const Attempt other = traces_.attempt({.data = first->variation().data});
    return other.succeeded() && first->gives_like(*other.trace) &&
           makes_the_same_calls(*first->graph(), {}, *other.trace->graph());
  };
  bool are_all_the_same = true;
  while (are_all_the_same && frontend.vary_texts()) are_all_the_same = comes_out_the_same();
  if (are_all_the_same) return first;
  frontend.fix_texts();
  return traces_.run({.data = first->variation().data});
}

const Guards& Session::harmless() {
  if (!harmless_) {
    harmless_.emplace();  // where the model is refused at one of them
    SmallSizes small = judge_small_sizes(traces_, *best_);
    harmless_ = std::move(small.harmless);
    for (const RefusedSizes& refused : small.refused) refuse(refused);
  }
  return *harmless_;
}

/// Makes the program refuse what the model refuses.
void Session::refuse(const RefusedSizes& refused) {
  const symbolic::Context& shapes = best_->tracer().shapes();
  symbolic::Condition all = symbolic::Condition::truth(true);
  for (const symbolic::Symbol& symbol : shapes.symbols()) {
    const auto size = refused.sizes.find(symbol.name);
    if (size == refused.sizes.end()) continue;
    all = symbolic::logical_and(all, symbolic::equal(symbolic::Expression::of(symbol), size->second));
  }
  add_assertion(*best_->graph(), symbolic::logical_not(all), shapes.guards()[refused.guard],
                best_->tracer().guards().symbol_axes());
}

bool Session::is_violated() { return !best_->violated_conditions(harmless()).empty(); }

Report Session::report(const std::string& error) {
  const symbolic::Diagnosis diagnosis = best_->diagnosis(harmless());
  Report report = report_shapes(*best_->tracer().graph(), diagnosis, best_->tracer().guards().symbol_axes());
  report.suggested_dimensions = suggested_dimensions(diagnosis, traces_.inputs());
  report.error = error;
  if (!error.empty()) report.problems.push_back({.kind = "error", .forces = "the trace ended with " + error});
  return report;
}

}  // namespace tracejet
