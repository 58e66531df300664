#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "capture/tracer.h"
#include "frontends/frontend.h"
#include "frontends/model_input.h"
#include "symbolic/forced_branches.h"

namespace tracejet {

/// What all traces of one session have in common.
struct TraceSettings {
  DecompositionTable decompositions = DecompositionSet::kTensorRT;
  bool asserts_relations = true;      ///< see DiagnosisOptions
  std::optional<c10::Device> device;  ///< where the model is taken to be
  bool check_rules = false;           ///< see TracerOptions
  bool shares_memory = false;         ///< see TracerOptions; set where a trace needs it
};

/// How a trace differs from the first one of its session.
struct Variation {
  std::map<std::string, int64_t> sizes;  ///< dimensions that are static
  std::map<std::string, bool> branches;  ///< branches that go as they are told, by the text of their condition
  std::vector<symbolic::ForcedBranches::DataAnswer> data;  ///< the same for branches on data, in order
  int runs_of_bodies = 1;                                  ///< see TracerOptions
  bool is_second_call = false;  ///< the model is as the run before has left it, see Frontend::has_memory()
};

/// One run of a model under a tracer.
class ModelTrace : public std::enable_shared_from_this<ModelTrace> {
 public:
  using Branch = symbolic::ForcedBranches::Branch;

  ModelTrace(Frontend& frontend, TraceSettings& settings, const std::vector<ModelInput>& inputs, Variation variation);

  /// Traces. Throws what Frontend::run() does.
  void run();

  // For the frontend, in this order:

  Tracer& tracer() { return *tracer_; }
  const Tracer& tracer() const { return *tracer_; }
  const Variation& variation() const { return variation_; }
  /// What forward is to be called with; undefined where the input is a literal.
  std::vector<at::Tensor> add_inputs();
  /// Listens while `forward` runs and gives its results, and completes the graph.
  void record(const std::function<std::unique_ptr<Results>()>& forward);

  // What has come of it:

  /// Null where the trace failed on the way.
  const std::shared_ptr<Graph>& graph() const { return graph_; }
  const Results& results() const { return *results_; }
  const symbolic::ForcedBranches& answers() const { return *answers_; }
  /// Whether the model gave results of the same structure, leaving aside what the graphs know of them.
  bool gives_like(const ModelTrace& other) const { return results_->is_like(*other.results_); }
  symbolic::Diagnosis diagnosis(const std::unordered_set<size_t>& harmless = {}) const;
  /// What keeps sizes from varying as declared, in words, where these guards are harmless.
  std::set<std::string> violated_conditions(const std::unordered_set<size_t>& harmless) const;
  /// The branches that keep the program from holding at every declared size, or that it asserts.
  std::vector<Branch> open_branches() const;

 private:
  void start();
  c10::SymInt size_of(const AxisSize& size);

  Frontend& frontend_;
  TraceSettings& settings_;
  const std::vector<ModelInput>& inputs_;
  const Variation variation_;
  std::unique_ptr<Tracer> tracer_;
  std::unique_ptr<symbolic::ForcedBranches> answers_;
  std::map<std::string, c10::SymInt> symbols_;
  std::unique_ptr<Results> results_;
  std::shared_ptr<Graph> graph_;
};

}  // namespace tracejet
