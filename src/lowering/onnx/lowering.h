#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ir/analysis/value_range.h"
#include "ir/assertion.h"
#include "ir/call.h"
#include "ir/graph.h"
#include "lowering/onnx/model.h"
#include "report/unsupported.h"
#include "symbolic/expression.h"

namespace tracejet::onnx {

/// A tensor of the ONNX graph that is being written. An empty name means "left out".
struct Operand {
  std::string name;
  at::ScalarType dtype = at::kFloat;
};

/// What the reader of a model can do.
struct Target {
  std::string name = "ONNX";     ///< in messages
  bool float64 = true;           ///< computes in double precision
  bool float16 = true;           ///< computes in 16 bits where that is the dtype, not in float32
  bool exact_remainders = true;  ///< of floats, not what is left of a rounded quotient
  bool checks = false;           ///< wants what the program asserts of data as outputs of their own
  bool size_arithmetic = true;   ///< infers right bounds of what is computed from sizes; else it is given the results
  bool keeps_nan = true;         ///< NaN comes out of exp, max, min, mod and comparisons as IEEE 754 has it
  bool sorts_stably = true;      ///< TopK gives equal values in their order, as ONNX demands
  bool subnormals = true;        ///< divides by subnormal numbers, too, not by 0 in their place
  bool tests_infinity = true;    ///< IsInf looks at every element of what it broadcasts, too
  bool pads_axes = true;         ///< takes the axes of Pad as an input; some then leave Pad where it is
  bool tiles_images = true;      ///< repeats a tensor of one channel, whatever the order of its memory
  bool gathers_slices = true;    ///< takes the elements of a slice from it, not from what it was cut from
  bool batched_weights = true;   ///< broadcasts what it multiplies with a stack of constant matrices
  bool int64 = true;             ///< computes int64 in 64 bits, not in 32
  bool exact_integers = true;    ///< divides, compares and reduces integers as such, not in float32
  bool keeps_names = true;       ///< shows people the names of inputs and axes; else equal programs give equal models
};

/// Writes a Graph as an ONNX model. Conversions (see conversion.h) are its users: they read a Call, emit ONNX nodes
/// and hand over results, one for each output of the ATen operator, in order.
class Lowering {
 public:
  /// `runtime_inputs` are indices into graph.inputs(): the inputs that exist when the program runs. All others are
  /// weights.
  Lowering(const Graph& graph, const std::vector<size_t>& runtime_inputs, const Target& target = {});

  /// Converts the whole graph. Nodes that can't be converted are in unsupported(), and then the model is incomplete.
  void run();
  const std::vector<Unsupported>& unsupported() const { return unsupported_; }
  /// Nodes that are converted, but that the reader may compute otherwise: their integers can become too large for it,
  /// and only the data says whether they do.
  const std::vector<Unsupported>& warnings() const { return model_.warnings; }
  /// What run() made: without nodes that no output needs.
  Model finish() &&;
  const Target& target() const { return target_; }

  // Reading arguments ------------------------------------------------------------------------------------------------
  /// A value of the ATen graph.
  Operand operand(const Value& value) const;
  /// A Tensor or Scalar argument, as this dtype. A plain number becomes a 0-dim constant.
  Operand operand(const Call& call, std::string_view name, at::ScalarType dtype);
  /// A Tensor argument in its own dtype.
  Operand operand(const Call& call, std::string_view name) const { return operand(call.value(name)); }
  /// Left out where the argument is None.
  Operand optional(const Call& call, std::string_view name) const;
  /// The data of a value that is a weight or a small constant; undefined for anything that is computed.
  at::Tensor known(const Value& value) const;
  /// Whether a value is the same in every run: a weight, or computed from weights only.
  bool is_constant(const Value& value) const { return constant_.contains(&value); }
  /// What the current call's output is.
  const TensorMeta& output(size_t index = 0) const;
  size_t output_count() const;
  /// Whether anybody reads the output.
  bool is_used(size_t index) const;

  // Integers
  // -----------------------------------------------------------------------------------------------------------
  /// Where the elements of an argument lie, a tensor's or a number's.
  ValueRange range(const Call& call, std::string_view name) const;
  /// What the current call's result would be if integers had no end.
  const ValueRange& unwrapped() const;
  /// Whether the reader computes with such integers exactly, even where it does so in float32.
  bool is_exact(const ValueRange& range) const;
  bool has_int64() const { return target_.int64; }
  /// For a conversion that has no other form: warns, or ends it, where its integers are too large for float32.
  void needs_exact_float();
  /// Says of the current call how the reader may compute it otherwise than PyTorch. Programs that may be split have
  /// such calls run elsewhere.
  void warn(std::string problem);
  /// Those that take the current call's first output.
  std::span<const Node* const> users() const;

  // Writing ----------------------------------------------------------------------------------------------------------
  using Attributes = std::vector<Attribute>;
  /// Adds a node with one output. Its dtype is that of the first input unless said otherwise.
  Operand emit(std::string_view op, const std::vector<Operand>& inputs, Attributes attributes = {});
  Operand emit_as(at::ScalarType dtype, std::string_view op, const std::vector<Operand>& inputs,
                  Attributes attributes = {});
  std::vector<Operand> emit_many(const std::vector<at::ScalarType>& dtypes, std::string_view op,
                                 const std::vector<Operand>& inputs, Attributes attributes = {});
  /// The next output of the ATen operator. A result of another dtype than the ATen operator's is cast.
  void result(const Operand& operand);
  /// Leaves the next output out: an error if anybody reads it.
  void no_result(std::string_view why);

  Operand cast(const Operand& operand, at::ScalarType dtype);
  /// Equal constants are one. OpenVINO reads a list of no numbers as one number: see nothing().
  Operand constant(const at::Tensor& data);
  /// A tensor of these sizes, of which one is 0.
  Operand nothing(c10::SymIntArrayRef sizes, at::ScalarType dtype);
  Operand number(const c10::Scalar& value, at::ScalarType dtype);  ///< 0-dim; the value may be symbolic
  Operand integer(int64_t value) { return number(value, at::kLong); }
  Operand integers(const std::vector<int64_t>& values);  ///< 1-dim int64

  // Sizes ------------------------------------------------------------------------------------------------------------
  /// 1-dim int64: a constant, or what follows from the sizes of the inputs. Not negative.
  Operand sizes(c10::SymIntArrayRef sizes);
  /// The same of numbers that may be negative: paddings, bounds of slices.
  Operand numbers(c10::SymIntArrayRef numbers);
  Operand size(const c10::SymInt& size) { return sizes({size}); }                ///< 1-dim with one element
  Operand position(const c10::SymInt& position) { return numbers({position}); }  ///< the same, may be negative
  /// `operand` in this shape. Uses ONNX's -1 and 0 where they do, which is cheaper than computing sizes.
  Operand reshape(const Operand& operand, c10::SymIntArrayRef from, c10::SymIntArrayRef to);
  Operand expand(const Operand& operand, c10::SymIntArrayRef from, c10::SymIntArrayRef to);
  /// `operand` so many times along each of its axes.
  Operand tile(const Operand& operand, c10::SymIntArrayRef repeats);
  Operand transpose(const Operand& operand, const std::vector<int64_t>& permutation);
  Operand unsqueeze(const Operand& operand, const std::vector<int64_t>& axes);
  Operand squeeze(const Operand& operand, const std::vector<int64_t>& axes);
  Operand slice(const Operand& operand, int64_t axis, const Operand& start, const Operand& end, int64_t step = 1);
  /// One element of `operand` for each of `indices`, at that place of the axis.
  Operand gather_elements(const Operand& operand, const Operand& indices, int64_t axis);

  /// What ATen demands of sizes when it runs the current call; `problem` says what is wrong otherwise.
  void require(const symbolic::Expression& condition, const std::string& problem);
  /// That none of these booleans is true, which ATen checks when it runs.
  void forbid(const Operand& wrong, const std::string& problem);
  /// `index` as int64. Where its elements may lie beyond the axis (or that far `from_end`), which ATen checks when it
  /// runs, the program does, and these are 0.
  Operand index(const Value& index, const c10::SymInt& size, bool from_end);

  /// Ends the conversion of the current call: ONNX or this lowering has no way to say it.
  [[noreturn]] void fail(std::string_view reason) const;

 private:
  void declare_inputs(const std::vector<size_t>& runtime_inputs);
  void declare_outputs();
  void note_symbols(const Value& value);
  void convert(const Node& node);
  void note_constants(const Node& node);
  void convert_assertion(const RuntimeAssertion& assertion);
  void convert_assertion(const Call& call);  ///< of a tensor
  /// `truth`: one boolean.
  void add_check(const Operand& truth, std::string message);
  /// What a check says of the current call.
  std::string refusal(const std::string& problem) const;
  /// Of floats that become int64. What int64 doesn't hold either, NaN too, is undefined in PyTorch.
  void forbid_beyond_32_bits(const Operand& number);
  /// The same of what `op` computes of integers from data, which is looked at in floats.
  void forbid_beyond_32_bits(const symbolic::Expression& expression, std::string_view op,
                             const std::vector<Operand>& operands);
  bool may_leave_32_bits(const symbolic::Expression& expression) const;
  /// That this number is none for which Python raises: by division, roots, powers, int() of NaN.
  void forbid_undefined(const symbolic::Expression& expression, const std::vector<Operand>& operands);
  /// Eager refuses them; those that come from data are looked at when the program runs.
  void forbid_negative_sizes(const Node& node);
  void check_dtypes(const Node& node) const;
  std::string unique(std::string name);
  void keep_slices();
  void find_ranges(const std::vector<size_t>& runtime_inputs);
  Operand as_declared(const Operand& operand, const Value& value);
  /// To a narrower integer dtype; wraps around, where the range says that something could.
  Operand narrowed(const Operand& operand, at::ScalarType dtype, const ValueRange& range);
  TensorInfo describe(const Operand& operand, const TensorMeta& meta);
  std::string name_of_axis(const symbolic::Expression& size);

  /// An expression's value, 1-dim with one element: int64, float64 or bool.
  Operand compute(const symbolic::Expression& expression);
  Operand compute_anew(const symbolic::Expression& expression);
  /// The same of an integer that isn't negative.
  Operand compute_size(const symbolic::Expression& expression);
  Operand symbol_value(const symbolic::Symbol& symbol);
  bool is_handed_over(const symbolic::Expression& expression) const;
  Operand number_input(const symbolic::Expression& expression, bool is_shape);
  using ComputeOne = Operand (Lowering::*)(const symbolic::Expression&);
  Operand joined(c10::SymIntArrayRef numbers, ComputeOne compute_one);

  const Graph& graph_;
  Target target_;
  Model model_;
  std::vector<Unsupported> unsupported_;
  std::optional<ValueRanges> ranges_;
  std::unordered_map<const Node*, ValueRange> overflows_;  // int64 beyond what the reader computes in
  std::unordered_map<const Value*, Operand> operands_;
  std::unordered_map<const Value*, at::Tensor> known_;
  std::unordered_set<const Value*> used_;
  std::unordered_set<const Value*> constant_;
  std::unordered_set<std::string> names_;
  std::unordered_map<symbolic::Expression, std::string> axis_names_;
  std::unordered_set<std::string> gathered_;            // what elements are taken from, where slices have to stay
  std::unordered_map<std::string, Operand> constants_;  // by dtype, shape and bytes
  std::unordered_map<symbolic::Expression, Operand> computed_;
  std::unordered_map<symbolic::Expression, Operand> computed_sizes_;  // those that computed_ takes for negative

  struct SymbolSource {
    Operand tensor;
    int64_t axis;  // -1: the tensor is the number itself
  };
  std::unordered_map<uint64_t, SymbolSource> symbols_;
  std::unordered_set<symbolic::Expression> checked_;  // not to be negative
  std::vector<TensorInfo> checks_;                    // booleans

  const Node* node_ = nullptr;  // the one being converted
  std::string label_;           // its name
  size_t next_result_ = 0;
};

}  // namespace tracejet::onnx
