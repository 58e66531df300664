#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compile/fixed_weights.h"
#include "compile/partition/build.h"
#include "engines/engine.h"
#include "engines/runtime_sizes.h"
#include "ir/assertion.h"
#include "ir/graph.h"
#include "ir/own_state.h"
#include "tracejet/compile.h"

namespace tracejet {

/// A program made ready to run. Calls are safe from several threads at once; those of a program that writes to its
/// buffers run one after the other.
class ProgramRunner {
 public:
  /// Throws UnsupportedOperator, listing all operators that a single engine can't run, and InvalidInput for wrong
  /// settings. `state`: what it keeps between calls in the place of the model's own tensors, by index of the graph's
  /// inputs. `trial`: see build(). `saved`: what a file keeps of an earlier build of this program, or null.
  ProgramRunner(std::shared_ptr<const Graph> graph, const CompileSettings& settings, OwnState state = {},
                PartTrial* trial = nullptr, const SavedBuild* saved = nullptr);
  /// The program of `compiled` with the weights of `graph`, faster than from scratch where its engine can.
  /// Throws InvalidInput where the graphs differ in more than their weights.
  ProgramRunner(const ProgramRunner& compiled, std::shared_ptr<const Graph> graph, OwnState state = {});

  /// Runs on the user's tensor inputs, in their order, and gives the user's tensor outputs, in theirs. Buffers and
  /// inputs that the program changes are changed afterwards, like in eager PyTorch.
  /// Throws InvalidInput, naming input and axis, where an input isn't what was traced.
  std::vector<at::Tensor> run(const std::vector<at::Tensor>& inputs) const;

  /// The same with all outputs of the user: numbers (x.size(0)) and None too.
  std::vector<c10::IValue> run_for_all_outputs(const std::vector<at::Tensor>& inputs) const;

  /// The calls that the engine runs otherwise than PyTorch for some data, in words; empty where there are none.
  std::string warnings() const;

  /// The engines that run it, each once: "openvino, aten".
  std::string engines() const { return built_.plan.engines(); }
  /// Which engine runs what, in words.
  CompileReport report() const;
  /// What went otherwise than one may expect: see CompileReport::notes.
  const std::vector<std::string>& notes() const { return built_.notes; }

  const CompileSettings& settings() const { return settings_; }
  const BuiltProgram& built() const { return built_; }
  /// What it keeps between calls in the place of the model's own tensors.
  const OwnState& own_state() const { return state_; }
  const std::shared_ptr<const Graph>& graph() const { return graph_; }

 private:
  /// Everything but building it.
  void prepare(const ChosenEngines& chosen);
  /// What has to be known once it is built.
  void complete();
  BuiltProgram refitted(const BuiltProgram& built) const;
  /// Whether weights have to be on the program's device when it runs, and aren't yet.
  bool misses_weights() const;
  void check_assertions(const RuntimeSizes& sizes) const;
  /// What must be so whatever the inputs are: weights, who calls, the default dtype.
  void check_surroundings(const std::vector<at::Tensor>& inputs) const;
  void check_memory(const std::vector<at::Tensor>& inputs, const RuntimeSizes& sizes) const;
  /// The data of an input that isn't the user's.
  const at::Tensor& state(size_t input) const;

  CompileSettings settings_;
  std::shared_ptr<const Graph> graph_;
  OwnState state_;
  std::vector<size_t> user_inputs_;           // indices into graph.inputs(): tensors only
  std::vector<bool> is_read_by_place_;        // by user input: some of its elements are found by their place in memory
  std::vector<size_t> written_;               // indices into graph.inputs()
  std::vector<RuntimeAssertion> assertions_;  // on sizes of inputs; engines check those on data
  RuntimeInputs runtime_inputs_;
  BuiltProgram built_;
  FixedWeights fixed_weights_;
  bool misses_weights_ = false;
  std::string call_of_default_dtype_;     // by PyTorch's kernels; empty where they run none
  mutable std::recursive_mutex writing_;  // the program's buffers: a call reads them, and writes them at its end
};

}  // namespace tracejet
