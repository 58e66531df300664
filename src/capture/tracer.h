#pragma once

#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "capture/alias_tracking.h"
#include "capture/announced_state.h"
#include "capture/call_locations.h"
#include "capture/frontend_hooks.h"
#include "capture/lifting.h"
#include "capture/plan.h"
#include "capture/program_signature.h"
#include "capture/replacement.h"
#include "capture/scopes.h"
#include "capture/shape_inference.h"
#include "capture/strides.h"
#include "capture/subgraph_recorder.h"
#include "capture/trace_guards.h"
#include "ir/graph.h"
#include "symbolic/context.h"

namespace tracejet {

class PlainSizes;

struct TracerOptions {
  /// Every shape rule is held against the operator's meta kernel where sizes are known, and the graph against
  /// verify_graph() after each pass; a difference is an Error.
  bool check_rules = false;
  DecompositionTable decompositions = {};
  /// Tensors of the model that show the same memory are views of one value, so that writes to one are seen in the
  /// others. A trace needs it only where there are such writes: see ProgramSignature::needs_shared_memory().
  bool shares_memory = false;
  /// How often in a row the bodies of loops run that the model has written. What a run leaves behind other than by its
  /// results the program would know nothing of; a trace in which it runs twice shows that.
  int runs_of_bodies = 1;
};

/// Records one run of a model on one thread: begin() switches the hooks on, finish() gives the graph. The work is done
/// by its parts, each of which owns what it knows.
class Tracer {
 public:
  explicit Tracer(FrontendHooks hooks = {}, TracerOptions options = {});
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// The tracer that listens on this thread, or null.
  static Tracer* current();
  /// Calls are recorded into an empty graph whose symbols are those of another. To be called before anything else.
  void record_into(std::shared_ptr<Graph> graph) { scopes_.set_program(std::move(graph)); }
  /// Starts listening on this thread. Throws Error where this thread traces already.
  void begin();
  /// Stops listening, whether or not the trace was finished; the thread's dispatch state is as it was.
  void end();
  /// Completes the graph, to be called after the model's forward, still listening: writes to buffers and inputs become
  /// outputs, what is assumed of sizes becomes assertions, dead nodes go. Stops listening. The trace holds for all
  /// sizes that were declared only where symbolic::diagnose() finds no problems.
  std::shared_ptr<Graph> finish(const symbolic::DiagnosisOptions& options = {});

  AnnouncedState& state() { return state_; }
  Lifting& lifting() { return lifting_; }
  CallLocations& locations() { return locations_; }
  StrideTracking& strides() { return strides_; }
  AliasTracking& aliases() { return aliases_; }
  TraceGuards& guards() { return guards_; }
  ShapeInference& inference() { return inference_; }
  SubgraphRecorder& subgraphs() { return subgraphs_; }
  Replacement& replacement() { return replacement_; }
  ProgramSignature& signature() { return signature_; }
  const CallLocations& locations() const { return locations_; }
  const TraceGuards& guards() const { return guards_; }
  const SubgraphRecorder& subgraphs() const { return subgraphs_; }
  const Scopes& scopes() const { return scopes_; }
  const FrontendHooks& hooks() const { return hooks_; }
  /// The graph that is being recorded: the program's, or the subgraph at hand.
  const std::shared_ptr<Graph>& graph() const { return scopes_.graph(); }
  symbolic::Context& shapes() const { return scopes_.shapes(); }

  /// While it listens: what stands for sizes where only plain numbers are taken.
  PlainSizes& plain_sizes();

  /// What this trace does with an operator.
  const Plan& plan_of(const c10::OperatorHandle& op) { return plans_->of(op); }
  /// The argument of a node. Throws where a tensor belongs to another trace.
  Argument to_argument(const c10::IValue& value);
  std::vector<Argument> arguments_of(const c10::OperatorHandle& op, const torch::jit::Stack& stack);
  /// What a call gives.
  std::vector<OutputMeta> infer(const Call& call) { return inference_.infer(call, plan_of(call.op()).entry); }
  /// Records a call and gives its outputs as an operator returns them: one entry per return of the schema, or of
  /// `outputs` where that is known to be what the call gives.
  std::vector<c10::IValue> record(const c10::OperatorHandle& op, std::vector<Argument> arguments);
  std::vector<c10::IValue> record(const c10::OperatorHandle& op, std::vector<Argument> arguments,
                                  std::vector<OutputMeta> outputs);
  /// Refuses to write in place what doesn't fit in. `values`: an operator that gives what is written.
  void check_in_place(const c10::OperatorHandle& values, const torch::jit::Stack& stack);
  /// Runs a call as other calls. What its shape rule refuses is refused before.
  void expand(const c10::OperatorHandle& op, const Operator& entry, torch::jit::Stack& stack);

 private:
  struct Activation;

  /// What a node gives: tensors and numbers, in lists as `node.returns()` says.
  std::vector<c10::IValue> results_of(const Node& node) const;

  const FrontendHooks hooks_;
  const TracerOptions options_;
  Scopes scopes_;
  CallLocations locations_;
  TraceGuards guards_;
  StrideTracking strides_;
  AnnouncedState state_;
  Lifting lifting_;
  ShapeInference inference_;
  AliasTracking aliases_;
  SubgraphRecorder subgraphs_;
  Replacement replacement_;
  ProgramSignature signature_;
  std::shared_ptr<Plans> plans_;
  std::unique_ptr<Activation> activation_;
};

}  // namespace tracejet
