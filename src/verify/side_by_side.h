#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "ir/graph.h"
#include "ir/own_state.h"
#include "verify/verify.h"

namespace tracejet {

/// What a run gives and writes, by name.
struct Outcome {
  std::vector<std::pair<std::string, c10::IValue>> values;
  std::optional<std::string> failure;  ///< what was thrown, in the place of values
};

/// Random numbers of PyTorch's start from the same seed in every run; afterwards they go on as if nothing had happened.
class FixedSeed {
 public:
  FixedSeed();
  FixedSeed(const FixedSeed&) = delete;
  FixedSeed& operator=(const FixedSeed&) = delete;
  ~FixedSeed();

 private:
  at::Generator generator_;
  at::Tensor before_;
};

/// The buffers that a program writes. They are put back when this ends, whatever happens.
class KeptState {
 public:
  /// `own`: what a compiled program keeps in the place of the graph's tensors, by index of its inputs.
  explicit KeptState(const Graph& graph, const OwnState& own = {});
  KeptState(const KeptState&) = delete;
  KeptState& operator=(const KeptState&) = delete;
  ~KeptState();

  void restore() const;
  /// The buffers as they are now.
  std::vector<std::pair<std::string, at::Tensor>> now() const;
  /// Gives them the values that buffers of the same names have in another program.
  void take_over(const KeptState& other) const;

 private:
  struct Buffer {
    std::string name;
    at::Tensor data, before;
  };
  std::vector<Buffer> buffers_;
};

/// Runs on copies of the inputs, from the state at hand and a fixed seed. The state is restored by the caller.
Outcome outcome_of(const RunProgram& run, const Graph& graph, const KeptState& state,
                   const std::vector<at::Tensor>& inputs, const std::vector<std::string>& output_names);

/// Every value of the one against its namesake; `rounding`: nullopt for what suits its dtype.
std::vector<VerifiedOutput> compare(const Outcome& expected, const Outcome& got, at::ScalarType precision,
                                    std::optional<double> rounding);

}  // namespace tracejet
