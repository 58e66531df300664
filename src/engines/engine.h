#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>

#include "base/error.h"
#include "base/shared_bytes.h"
#include "engines/runtime_inputs.h"
#include "engines/runtime_sizes.h"
#include "ir/graph.h"
#include "report/unsupported.h"
#include "tracejet/compile.h"

namespace tracejet {

/// A program that an engine has made ready to run. Safe to call from several threads at once.
class Executable {
 public:
  virtual ~Executable() = default;

  /// Takes the graph inputs that exist when the program runs (see RuntimeInputs) and what the symbols of their shapes
  /// are in this run, both checked by the caller. Gives one value for each graph output that has one, in order: a
  /// tensor, or a number where the output is a runtime scalar. A number that is computed from runtime scalars is such
  /// an output, too.
  virtual std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const = 0;

  /// Nodes that it runs, but otherwise than PyTorch for data that only a run has.
  virtual std::vector<Unsupported> warnings() const { return {}; }

  /// Whether tensors may have other ranks in a run than in the graph, where sizes of 1 take axes away.
  virtual bool takes_ranks_from_data() const { return false; }

  /// What Engine::load() makes the same of, faster than it is compiled; nullopt where compiling takes no longer. load()
  /// is given the graph again, with its weights: they aren't repeated here.
  virtual std::optional<std::string> serialize() const { return std::nullopt; }
};

/// What can run programs. It is asked, and compiles, on several threads at once. The registry lists all engines, and
/// nothing outside of this folder names one.
class Engine {
 public:
  virtual ~Engine() = default;

  /// As users write it: "openvino". Always the same.
  virtual std::string name() const = 0;

  /// The versions and the device that it compiles for.
  virtual std::string fingerprint() const = 0;

  virtual bool runs_on(c10::Device device) const = 0;

  /// Whether it only says what it would take, as the format of a file does.
  virtual bool can_compile() const { return true; }

  /// Whether it compiles for so long that it is only asked where it is named, or where CompileSettings::effort allows
  /// it.
  virtual bool compiles_for_long() const { return false; }

  /// Of an engine that compiles for long: whether its program of this graph may well be faster than PyTorch's kernels.
  virtual bool is_promising(const Graph&) const { return true; }

  /// Whether what serialize() gives may come from a file, which may come from anywhere: what would be executed as it is
  /// mustn't.
  virtual bool is_kept_in_files() const { return true; }

  /// Whether it makes a program ready whose weights aren't on the program's device.
  virtual bool takes_weights_from_anywhere() const { return false; }

  /// Throws InvalidInput where it can't do what the settings ask for, which make sense in themselves: by default, where
  /// they ask for another precision than float32 or a number of threads.
  virtual void check_settings(const CompileSettings& settings) const;

  /// The nodes that it can't run and why, in the graph's order; those of subgraphs, too. Nothing is compiled.
  virtual std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>& graph,
                                                    const RuntimeInputs& inputs,
                                                    const CompileSettings& settings) const = 0;

  /// Whether what it threw is a failure of its own, which another engine may make up for, and not the user's wish to
  /// stop.
  virtual bool is_failure(const std::exception&) const { return true; }

  /// The nodes that it runs, but otherwise than PyTorch for data that only a run has.
  virtual std::vector<Unsupported> find_warnings(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                                 const CompileSettings& settings) const;

  /// Makes a graph ready to run on devices that it runs on. Graph inputs that aren't in `inputs` are constants.
  /// Throws RefusedNodes, listing everything that it can't run: see require_supported().
  virtual std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                              const CompileSettings& settings) const = 0;

  /// Whether what it compiles can be kept: Executable::serialize() gives something then, and load() takes it.
  virtual bool can_load() const { return false; }

  /// What compile() gave, from its serialize(): on this machine and for the same graph, with the same weights, inputs
  /// and settings. Bytes of anything else are told apart as far as the engine can: whoever keeps them keeps
  /// fingerprint() beside them. It may go on using the bytes where they are. Throws StaleEngine where they aren't for
  /// this; then the program is to be compiled again.
  virtual std::unique_ptr<Executable> load(const SharedBytes& serialized, const std::shared_ptr<const Graph>& graph,
                                           const RuntimeInputs& inputs, const CompileSettings& settings) const;

  /// What compile() or load() gave, for another graph that equals its own, down to the memory of the weights: the two
  /// share what was compiled. Null where that saves nothing.
  virtual std::unique_ptr<Executable> share(const Executable& compiled, const std::shared_ptr<const Graph>& graph,
                                            const RuntimeInputs& inputs, const CompileSettings& settings) const;

  /// As compile(), for a graph that is as the one of `compiled`, but for the content of its weights: faster where it
  /// can use what it made of that one.
  virtual std::unique_ptr<Executable> refit(const Executable& compiled, const std::shared_ptr<const Graph>& graph,
                                            const RuntimeInputs& inputs, const CompileSettings& settings) const;
};

/// What an engine has kept isn't good for this program or this machine any more.
class StaleEngine : public Error {
 public:
  using Error::Error;
};

/// An engine refuses some nodes of a program.
class RefusedNodes : public UnsupportedOperator {
 public:
  /// `is_late`: it takes such nodes as a rule, and finds out while it compiles.
  RefusedNodes(const Graph& graph, std::vector<Unsupported> nodes, const std::string& engine, bool is_late = false)
      : UnsupportedOperator(report(graph, nodes, engine), ErrorCode::kEngineRefusal),
        nodes_(std::move(nodes)),
        is_late_(is_late) {}

  const std::vector<Unsupported>& nodes() const { return nodes_; }
  bool is_late() const { return is_late_; }

 private:
  std::vector<Unsupported> nodes_;
  bool is_late_;
};

/// Throws RefusedNodes, listing all nodes that the engine finds unsupported with their lines, where there are
/// any.
void require_supported(const Engine& engine, const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                       const CompileSettings& settings);

}  // namespace tracejet
