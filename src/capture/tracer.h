#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include "base/error.h"
#include "capture/constant_values.h"
#include "capture/constraints.h"
#include "capture/located_errors.h"
#include "capture/plan.h"
#include "capture/shared_memory.h"
#include "capture/state_dependence.h"
#include "capture/strides.h"
#include "ir/graph.h"
#include "ops/operator.h"
#include "symbolic/context.h"

namespace c10::impl {
struct PyInterpreter;
}

namespace tracejet {

/// How a language front end helps the tracer. Pure C++ programs leave it empty.
struct FrontendHooks {
  /// The symbolic number that a wrapped-number tensor stands for (`x * size`), which its own data doesn't hold.
  std::optional<c10::IValue> (*symbolic_number)(const at::Tensor&) = nullptr;
  /// What is behind a node that the language has wrapped in one of its own (torch.SymFloat, torch.SymBool).
  c10::SymNode (*unwrapped)(const c10::SymNode&) = nullptr;
  /// A node of ours in the form in which the language takes floats.
  c10::SymNode (*wrapped)(const c10::SymNode&) = nullptr;
  /// What the code that asks for a condition needs it to be: with the other answer it raises at once (`assert
  /// condition`, `if condition: raise …`). Nothing where it goes on either way.
  std::optional<bool> (*needed_truth)() = nullptr;
  /// What the language calls the class of a tensor.
  std::string (*class_of)(const at::Tensor&) = nullptr;
  /// Knows Python's meta registrations, the slow way for symbolic calls that no shape rule covers.
  c10::impl::PyInterpreter* python = nullptr;
};

struct TracerOptions {
  /// Every shape rule is held against the operator's meta kernel where sizes are known, and the graph against
  /// verify_graph() after each pass; a difference is an Error.
  bool check_rules = false;
  DecompositionTable decompositions = {};
  /// Tensors of the model that show the same memory are views of one value, so that writes to one are seen in the
  /// others. A trace needs it only where there are such writes: see Tracer::needs_shared_memory().
  bool shares_memory = false;
  /// How often in a row the bodies of loops run that the model has written: see control_flow::body_of_loop().
  int runs_of_bodies = 1;
};

/// Code of the model that control flow runs, any number of times.
using Body = std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& operands)>;

/// A piece of a program that control flow runs. Its inputs are the operands, then what it takes from outside; its
/// outputs are contiguous and share no memory with the inputs or with each other.
struct Subgraph {
  std::shared_ptr<Graph> graph;
  std::vector<const Value*> captured;  ///< values of the graph around it
};

/// What a trace had to do the slow way, by operator.
struct TraceStatistics {
  std::map<std::string, int64_t>
      python_meta_calls;  ///< no shape rule, and no kernel for such sizes: Python's meta functions
  std::map<std::string, int64_t> python_decompositions;  ///< expanded by PyTorch's decomposition in Python
};

/// Records one run of a model on one thread: begin() switches the hooks on, finish() gives the graph.
///
/// Real tensors that the model meets (parameters, buffers, attributes, globals) are lifted into the graph when a call
/// first mentions them, so the model's own state is never replaced.
class Tracer {
 public:
  explicit Tracer(FrontendHooks hooks = {}, TracerOptions options = {});
  ~Tracer();
  Tracer(const Tracer&) = delete;
  Tracer& operator=(const Tracer&) = delete;

  /// The tracer that listens on this thread, or null.
  static Tracer* current();

  symbolic::Context& shapes() const { return graph()->shapes(); }
  const SymbolAxes& symbol_axes() const { return symbol_axes_; }
  /// The graph that is being recorded: the program's, or the subgraph at hand.
  const std::shared_ptr<Graph>& graph() const { return scopes_[depth_].graph; }
  const TraceStatistics& statistics() const { return statistics_; }
  const FrontendHooks& hooks() const { return hooks_; }
  /// See FrontendHooks.
  std::optional<bool> needed_truth() const {
    return hooks_.needed_truth == nullptr ? std::nullopt : hooks_.needed_truth();
  }

  /// Where the model is taken to be: the parameters and buffers that are announced next claim this device.
  void set_device(c10::Device device);
  /// The device that a tensor claims in this trace.
  c10::Device device_of(const at::Tensor& tensor) const;
  /// Whether it is a parameter or buffer that was announced.
  bool is_announced(const at::Tensor& tensor) const;
  /// Announces a tensor that belongs to the model. Shares its data; the same tensor may come under several names.
  void add_parameter(std::string name, const at::Tensor& parameter);
  void add_buffer(std::string name, const at::Tensor& buffer, bool persistent);
  /// A tensor of the user's: what the model's forward is to be called with.
  at::Tensor add_input(std::string name, TensorMeta meta);
  /// A user's input that is no tensor.
  void add_literal_input(std::string name);

  /// Starts listening on this thread. Throws Error where this thread traces already.
  void begin();
  /// Stops listening, whether or not the trace was finished; the thread's dispatch state is as it was.
  void end();

  void enter_module(std::string path, std::string type);
  void exit_module();
  /// What is traced from here on is the node of another program, and this its stack's text; null: that ends.
  void set_replayed(std::shared_ptr<const std::string> stack_text) { replayed_ = std::move(stack_text); }

  // After the model's forward, still listening:

  /// A result of the model: a tensor (traced or real) or a literal. In the order of the flattened results.
  void add_output(c10::IValue output);
  /// A buffer was bound to another tensor (`self.buffer = …`): the program has to write it.
  void rebind_buffer(const at::Tensor& buffer, const at::Tensor& replacement);
  /// What a traced tensor depends on that an attribute holds after forward. `previous`, if defined, was there before.
  StateDependence state_dependence_of(const at::Tensor& tensor, const at::Tensor& previous);
  /// Completes the graph: writes to buffers and inputs become outputs, what is assumed of sizes becomes assertions,
  /// dead nodes go. Stops listening. The trace holds for all sizes that were declared only where diagnosis() has no
  /// problems.
  std::shared_ptr<Graph> finish(const symbolic::DiagnosisOptions& options = {});
  /// Whether finish() refused a write to memory that another tensor of the model shows, which a trace with
  /// TracerOptions::shares_memory may follow.
  bool needs_shared_memory() const { return needs_shared_memory_; }
  /// Of a finished trace.
  const symbolic::Diagnosis& diagnosis() const { return diagnosis_; }

  // For control flow.

  /// Records one run of `body` apart from the graph at hand. `captured` are values that the subgraph takes from outside
  /// in any case, so that two subgraphs can have the same inputs.
  /// Throws UnsupportedOperator where it writes to tensors from outside.
  Subgraph record_subgraph(const Body& body, std::span<const TensorMeta> operands,
                           std::span<const Value* const> captured = {});
  /// Records a call that runs subgraphs, and gives its results.
  std::vector<at::Tensor> record_control_flow(const c10::OperatorHandle& op, std::vector<Argument> arguments,
                                              std::vector<TensorMeta> results,
                                              std::vector<std::shared_ptr<Graph>> subgraphs);
  int runs_of_bodies() const { return options_.runs_of_bodies; }
  /// The model has written a loop that is recorded.
  void note_loop_of_model() { has_loops_of_model_ = true; }
  bool has_loops_of_model() const { return has_loops_of_model_; }
  /// Says of a number that it is the index of one of `count` runs: nothing that the program has to check.
  void know_index(const c10::SymInt& index, const c10::SymInt& count);
  /// The value of the graph at hand that a tensor holds now.
  const Value& value_of(const at::Tensor& tensor) { return current_value(lift(tensor)); }

  // For the hooks.

  /// What is known of the data of values.
  ConstantValues& constants() { return constants_; }
  /// What is known of the strides that tensors have in eager.
  StrideTracking& strides() { return strides_; }
  /// What has gone wrong in this trace.
  const LocatedErrors& errors() const { return errors_; }
  /// What this trace does with an operator.
  const Plan& plan_of(const c10::OperatorHandle& op) { return plans_->of(op); }
  /// Runs the function of the decomposition table in the place of a call. False, with the stack as it was, where the
  /// function doesn't want the call. `is_functional`: functionalization is behind us, as in the lower hook.
  bool replace(const c10::OperatorHandle& op, const Plan& plan, torch::jit::Stack& stack, bool is_functional);
  /// For the lower hook: `run`s what takes the call's place with functionalization switched on again, so that it may
  /// write to tensors of its own. False, with the stack as it was, where `run` says so.
  bool run_functionalized(const c10::OperatorHandle& op, torch::jit::Stack& stack, const std::function<bool()>& run);
  /// The traced stand-in of a real tensor, or in a subgraph of any tensor from outside; what stands for a value of the
  /// graph at hand comes back as it is.
  at::Tensor lift(const at::Tensor& tensor);
  /// As lift(), but a tensor that nobody else holds (a fresh `torch.tensor(…)`): writes to it stay in the program. It
  /// may claim another device than its data is on.
  at::Tensor lift_fresh(const at::Tensor& tensor, std::optional<c10::Device> device = {});
  /// A symbolic float or boolean as the core made it.
  c10::IValue own_number(const c10::IValue& value) const;
  /// The argument of a node. Throws where a tensor belongs to another trace.
  Argument to_argument(const c10::IValue& value);
  /// What a call gives: by its shape rule, else by its meta kernel, else by Python's meta functions.
  std::vector<OutputMeta> infer(const Call& call);
  /// Records a call and gives its outputs as an operator returns them: one entry per return of the schema.
  std::vector<c10::IValue> record(const c10::OperatorHandle& op, std::vector<Argument> arguments);
  /// Records a call of a custom operator that writes to its arguments, and writes what it computes to them. For the
  /// upper hook: the arguments are functional tensors.
  void record_writing_call(const c10::OperatorHandle& op, torch::jit::Stack& stack);
  Location location() const;
  /// The number behind a tensor that Python made of one (`x + 1`).
  c10::IValue number_of(const at::Tensor& wrapped_number) const;
  /// Runs a call, and gives errors its operator and location.
  template <typename Run>
  decltype(auto) run_located(const c10::OperatorHandle& op, Run&& run) {
    try {
      return run();
    } catch (const Error&) {
      rethrow_with_location(op);
    } catch (const c10::Error& error) {
      note_refusal(op, error);
      throw;
    }
  }

 private:
  /// Adds operator and location to the tracejet::Error being handled, and throws it on.
  [[noreturn]] void rethrow_with_location(const c10::OperatorHandle& op);
  /// Remembers what becomes of an error of PyTorch's in a call, should it end the trace.
  void note_refusal(const c10::OperatorHandle& op, const c10::Error& error);

  /// A tensor from outside that has become an input of the graph.
  struct Lifted {
    at::Tensor real;      ///< also keeps the address by which it is found in use
    at::Tensor stand_in;  ///< functional: takes the writes
    const Value* value;   ///< its content before any write
  };
  using LiftedTensors = std::unordered_map<const c10::TensorImpl*, Lifted>;
  /// A graph that is being recorded, with the tensors from outside that it has met: real ones for the program's graph,
  /// all tensors of the graph around it for a subgraph.
  struct Scope {
    std::shared_ptr<Graph> graph;
    LiftedTensors lifted;
    std::vector<const Value*> captured;                     ///< of a subgraph: what it takes from outside, ...
    std::unordered_map<const Value*, const Value*> inputs;  ///< ... and what stands for it inside
  };
  class SubgraphScope;
  class Replacing;
  class ParentScope;
  struct UserInput {
    at::Tensor tensor;
    const Value* value;
  };
  struct Activation;

  at::Tensor make_traced(const Value& value) const;
  at::Tensor make_functional(const Value& value) const;
  void announce(GraphInput::Kind kind, std::string name, const at::Tensor& tensor, bool persistent);
  const Value* find_announced(const at::Tensor& tensor) const;
  const Value* add_constant(const at::Tensor& tensor, std::optional<c10::Device> device = {});
  Lifted& find_or_lift(const at::Tensor& tensor);
  /// Lifts a tensor that shows the same memory as others; null where none does.
  Lifted* lift_shared(const at::Tensor& tensor);
  /// All elements of a group as they are before any write.
  at::Tensor flat_memory(const MemoryGroup& group);
  /// The one stand-in of all tensors that are this value before any write.
  const at::Tensor& stand_in_of(const Value& value);
  Lifted& add_lifted(const at::Tensor& tensor, at::Tensor stand_in, const Value* value);
  /// In a subgraph: the stand-in of a tensor from outside.
  Lifted& bring_in(const at::Tensor& tensor);
  /// What stands for a value of the graph around, in the graph at hand.
  const Value& capture(const Value& outer);
  /// What stands for a value of the program's graph, in the graph at hand.
  const Value& capture_from_program(const Value& value);
  /// Whether a subgraph is being recorded, and the tensor stands for a value of a graph around it.
  bool is_from_around(const at::Tensor& tensor) const;
  const Value& unshared_result(const at::Tensor& result, const std::vector<const Value*>& others);
  void refuse_writes_to_outside(std::span<const at::Tensor> operands, std::span<const Value* const> values);
  void add_assertions_of_branch(std::vector<symbolic::Guard> assertions, size_t first_symbol);
  [[noreturn]] void throw_of_another_graph(const Graph& graph) const;
  /// What a functional tensor holds now, all writes to it and to its views applied.
  const Value& current_value(const at::Tensor& functional);
  /// What a node gives: tensors and numbers, in lists as `node.returns()` says.
  std::vector<c10::IValue> results_of(const Node& node) const;
  std::vector<OutputMeta> infer_by_meta_kernel(const Call& call);
  /// As what it can be expanded into says; nullopt where nothing is known.
  std::optional<std::vector<OutputMeta>> infer_by_expansion(const Call& call);
  void add_mutations();
  using Written = std::unordered_map<const Value*, const Value*>;  ///< input, new content
  void check_written_memory(const Written& written, const std::function<std::string(const Value*)>& name_of);
  void check_rebound_memory(const std::function<std::string(const Value*)>& name_of) const;
  /// What the model has written and what it gives become the graph's outputs.
  void take_effects();

  const std::shared_ptr<Graph>& program() const { return scopes_.front().graph; }

  FrontendHooks hooks_;
  TracerOptions options_;
  /// Of the program's inputs that real tensors have become: one stand-in however many tensor objects there are.
  std::unordered_map<const Value*, at::Tensor> stand_ins_;
  std::deque<Scope> scopes_;  ///< the program's, then those of the subgraphs that are being recorded
  size_t depth_ = 0;          ///< the scope at hand
  std::optional<c10::Device> device_;
  TraceStatistics statistics_;
  std::unordered_map<const void*, std::vector<std::pair<at::Tensor, const Value*>>> announced_;  ///< by data pointer
  std::optional<std::deque<MemoryGroup>> groups_;  ///< from the first lift on, where TracerOptions asks for them
  bool needs_shared_memory_ = false;
  bool has_loops_of_model_ = false;
  std::vector<UserInput> user_inputs_;
  SymbolAxes symbol_axes_;
  symbolic::Diagnosis diagnosis_;
  std::unordered_set<size_t> guards_of_indices_;                ///< they hold by construction
  std::vector<std::pair<const Value*, const Value*>> rebound_;  ///< buffer, new content
  std::vector<GraphOutput> results_;
  std::vector<int32_t> module_stack_;
  std::shared_ptr<const std::string> replayed_;
  ConstantValues constants_;
  StrideTracking strides_;
  LocatedErrors errors_;
  std::vector<std::shared_ptr<Graph>> subgraphs_;  ///< all of them, so that no value's address is used again
  size_t constant_count_ = 0;
  std::shared_ptr<Plans> plans_;
  std::vector<c10::OperatorName> replacing_;  ///< whose replacements are running
  std::unique_ptr<Activation> activation_;
};

}  // namespace tracejet
