#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "capture/alias_tracking.h"
#include "capture/announced_state.h"
#include "capture/call_locations.h"
#include "capture/frontend_hooks.h"
#include "capture/lifting.h"
#include "capture/scopes.h"
#include "capture/trace_guards.h"

namespace tracejet {

/// What the program is called with and what it gives: the user's inputs, the model's results, and what is written to
/// its tensors and to the user's.
class ProgramSignature {
 public:
  /// `shares_memory`: see TracerOptions.
  ProgramSignature(Scopes& scopes, const AnnouncedState& state, Lifting& lifting, TraceGuards& guards,
                   const CallLocations& locations, const AliasTracking& aliases, const FrontendHooks& hooks,
                   bool shares_memory)
      : scopes_(scopes),
        state_(state),
        lifting_(lifting),
        guards_(guards),
        locations_(locations),
        aliases_(aliases),
        hooks_(hooks),
        shares_memory_(shares_memory) {}
  ProgramSignature(const ProgramSignature&) = delete;
  ProgramSignature& operator=(const ProgramSignature&) = delete;

  /// A tensor of the user's: what the model's forward is to be called with.
  at::Tensor add_input(std::string name, TensorMeta meta);
  /// A user's input that is no tensor.
  void add_literal_input(std::string name);

  // After the model's forward, while the tracer still listens:

  /// A result of the model: a tensor (traced or real) or a literal. In the order of the flattened results.
  void add_output(c10::IValue output);
  /// A buffer was bound to another tensor (`self.buffer = …`): the program has to write it.
  void rebind_buffer(const at::Tensor& buffer, const at::Tensor& replacement);
  /// What the model has written and what it gives become the graph's outputs.
  void finish();

  /// Whether a write was refused because another tensor of the model shows the same memory, which a trace with
  /// TracerOptions::shares_memory may follow.
  bool needs_shared_memory() const { return needs_shared_memory_; }

 private:
  struct UserInput {
    at::Tensor tensor;
    const Value* value;
  };
  /// A buffer that forward has bound to another tensor.
  struct Binding {
    const Value* buffer;
    at::Tensor now;                  ///< functional
    std::string where;               ///< in words
    const Value* content = nullptr;  ///< what it is at the end
  };
  using Written = std::unordered_map<const Value*, const Value*>;  ///< input, new content
  using NameOf = std::function<std::string(const Value*)>;

  Graph& program() const { return *scopes_.program().graph; }
  /// What real tensors that were lifted have become; the value is what they were.
  Written written_state() const;
  [[noreturn]] static void throw_bound_to_memory(const Binding& binding, const std::string& name, const std::string& of,
                                                 const std::string& written);
  void check_written_memory(const Written& written, const NameOf& name_of);
  /// `self.buffer = …` makes another tensor of the buffer, which a program can only write to its memory.
  void check_rebound_memory(const NameOf& name_of) const;
  void add_mutations();

  Scopes& scopes_;
  const AnnouncedState& state_;
  Lifting& lifting_;
  TraceGuards& guards_;
  const CallLocations& locations_;
  const AliasTracking& aliases_;
  const FrontendHooks& hooks_;
  const bool shares_memory_;
  std::vector<UserInput> user_inputs_;
  std::vector<GraphOutput> results_;
  std::vector<Binding> bindings_;
  bool needs_shared_memory_ = false;
};

}  // namespace tracejet
