#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <c10/core/MemoryFormat.h>
#include <c10/core/Scalar.h>

#include "ir/graph.h"

namespace tracejet {

/// An operator and its arguments, read by name: what shape rules, conversions and interpreters look at.
/// A view: the operator and the arguments must outlive it.
///
/// Reading an argument as something that it isn't throws Error, naming operator and argument.
class Call {
 public:
  Call(const c10::OperatorHandle& op, std::span<const Argument> arguments) : op_(op), arguments_(arguments) {}
  explicit Call(const Node& node) : Call(node.op(), node.arguments()) {}

  const c10::OperatorHandle& op() const { return op_; }
  std::span<const Argument> arguments() const { return arguments_; }
  /// "aten::add.Tensor"; "aten::relu" where the overload has no name.
  std::string name() const;

  /// Whether the schema has this argument at all.
  bool declares(std::string_view name) const;
  /// Whether it is there and not None.
  bool has(std::string_view name) const;
  const Argument& argument(std::string_view name) const;

  /// A Tensor argument. Throws where it is a plain number: see is_number().
  const TensorMeta& tensor(std::string_view name) const { return value(name).tensor(); }
  const Value& value(std::string_view name) const;
  /// Null where the argument is None.
  const TensorMeta* optional_tensor(std::string_view name) const;
  const Value* optional_value(std::string_view name) const;
  /// A Tensor[] or Tensor?[] argument; null entries where a tensor is None.
  std::vector<const Value*> values(std::string_view name) const;
  std::vector<const TensorMeta*> tensors(std::string_view name) const;
  /// A Scalar argument, or a Tensor argument that Python gave as a plain number.
  bool is_number(std::string_view name) const;

  c10::SymInt sym_int(std::string_view name) const;
  std::optional<c10::SymInt> optional_sym_int(std::string_view name) const;
  /// An int[] or SymInt[] argument.
  Sizes sym_ints(std::string_view name) const;
  std::optional<Sizes> optional_sym_ints(std::string_view name) const;
  /// An int[N] argument such as a stride, padded to `count` entries when one number was given for all axes.
  Sizes sym_ints(std::string_view name, size_t count) const;
  int64_t integer(std::string_view name) const;
  std::vector<int64_t> integers(std::string_view name) const;
  bool flag(std::string_view name) const;
  std::vector<bool> flags(std::string_view name) const;
  double number(std::string_view name) const;
  std::optional<double> optional_number(std::string_view name) const;
  /// A number; may be symbolic (Scalar::isSymbolic()).
  c10::Scalar scalar(std::string_view name) const;
  std::optional<at::ScalarType> dtype(std::string_view name = "dtype") const;
  std::optional<c10::Device> device(std::string_view name = "device") const;
  std::optional<c10::MemoryFormat> memory_format(std::string_view name = "memory_format") const;
  std::string_view text(std::string_view name) const;

  /// An axis argument: negative counts from the end; throws ShapeError outside [-rank, rank).
  int64_t axis(std::string_view name, int64_t rank) const;
  /// An int[] of axes, wrapped, in the order given; empty or None stays empty (most reductions mean "all" by that).
  std::vector<int64_t> axes(std::string_view name, int64_t rank) const;

 private:
  size_t index(std::string_view name) const;
  const c10::IValue& constant(std::string_view name) const;
  int64_t wrapped_axis(std::string_view name, int64_t axis, int64_t rank) const;
  [[noreturn]] void fail(std::string_view name, std::string_view expected) const;

  const c10::OperatorHandle& op_;
  std::span<const Argument> arguments_;
};

/// An axis counted from the front; nullopt outside [-rank, rank). Where there are no axes, 0 and -1 are taken.
std::optional<int64_t> wrapped_axis(int64_t axis, int64_t rank);
/// "5 is outside [-2, 1]"
std::string axis_range(int64_t axis, int64_t rank);

}  // namespace tracejet
