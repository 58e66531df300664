#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "capture/alias_tracking.h"
#include "capture/call_locations.h"
#include "capture/lifting.h"
#include "capture/scopes.h"
#include "capture/trace_guards.h"

namespace tracejet {

/// Code of the model that control flow runs, any number of times.
using Body = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& operands)>;

/// A piece of a program that control flow runs. Its inputs are the operands, then what it takes from outside; its
/// outputs are contiguous and share no memory with the inputs or with each other.
struct Subgraph {
  std::shared_ptr<Graph> graph;
  std::vector<const Value*> captured;  ///< values of the graph around it
};

/// Records what control flow runs (a branch, the body of a loop) as a graph of its own.
class SubgraphRecorder {
 public:
  /// `runs_of_bodies`: see TracerOptions.
  SubgraphRecorder(Scopes& scopes, Lifting& lifting, TraceGuards& guards, const CallLocations& locations,
                   AliasTracking& aliases, int runs_of_bodies)
      : scopes_(scopes),
        lifting_(lifting),
        guards_(guards),
        locations_(locations),
        aliases_(aliases),
        runs_of_bodies_(runs_of_bodies) {}
  SubgraphRecorder(const SubgraphRecorder&) = delete;
  SubgraphRecorder& operator=(const SubgraphRecorder&) = delete;

  /// Records one run of `body` apart from the graph at hand. `captured` are values that the subgraph takes from outside
  /// in any case, so that two subgraphs can have the same inputs.
  /// Throws UnsupportedOperator where it writes to tensors from outside.
  Subgraph record(const Body& body, std::span<const TensorMeta> operands, std::span<const Value* const> captured = {},
                  symbolic::Context::Runs runs = symbolic::Context::Runs::kAlways);
  /// Records a call that runs subgraphs, and gives its results.
  std::vector<at::Tensor> record_call(const c10::OperatorHandle& op, std::vector<Argument> arguments,
                                      std::vector<TensorMeta> results, std::vector<std::shared_ptr<Graph>> subgraphs);

  /// The body of a loop that the model has written and that is recorded, to run as often as the trace wants.
  Body body_of_loop(Body body);
  bool has_loops_of_model() const { return has_loops_of_model_; }

 private:
  const Value& unshared_result(const at::Tensor& result, const std::vector<const Value*>& others);
  void refuse_writes_to_outside(std::span<const at::Tensor> operands, std::span<const Value* const> values);

  Scopes& scopes_;
  Lifting& lifting_;
  TraceGuards& guards_;
  const CallLocations& locations_;
  AliasTracking& aliases_;
  const int runs_of_bodies_;
  bool has_loops_of_model_ = false;
};

}  // namespace tracejet
