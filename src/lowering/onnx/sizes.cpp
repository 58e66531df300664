// Symbolic sizes as ONNX: the part of Lowering that computes with shapes.
// ONNX: Shape-19, Reshape-19, Expand-13, Slice-13, Tile-13, GatherElements-13, Transpose-13, Mod-13.
#include <algorithm>
#include <limits>
#include <numeric>

#include <ATen/ops/tensor.h>

#include "base/error.h"
#include "ir/size_expression.h"
#include "ir/symbol_binding.h"
#include "lowering/onnx/helpers.h"
#include "lowering/onnx/integers.h"
#include "lowering/onnx/lowering.h"
#include "lowering/onnx/pointwise.h"

namespace tracejet::onnx {

using symbolic::Expression;
using symbolic::Kind;

namespace {

bool same(const c10::SymInt& a, const c10::SymInt& b) { return expression_of(a) == expression_of(b); }

bool is_static(const c10::SymInt& size) { return size.maybe_as_int().has_value(); }

/// Whether a tensor of these sizes surely has elements: ONNX can't infer a -1 without.
bool never_empty(c10::SymIntArrayRef sizes) {
  return std::ranges::all_of(sizes, [](const auto& size) { return expression_of(size).range().min > 0; });
}

/// The ONNX operator that takes the same operands, where there is one.
std::string_view onnx_operator(Kind kind) {
  switch (kind) {
    case Kind::kSum:
    case Kind::kAdd:
      return "Add";
    case Kind::kSubtract:
      return "Sub";
    case Kind::kProduct:
    case Kind::kMultiply:
      return "Mul";
    case Kind::kMod:
      return "Mod";
    case Kind::kPower:
    case Kind::kFloatPower:
      return "Pow";
    case Kind::kMin:
      return "Min";
    case Kind::kMax:
      return "Max";
    case Kind::kSelect:
      return "Where";
    case Kind::kTrueDiv:
      return "Div";
    case Kind::kFloor:
      return "Floor";
    case Kind::kCeil:
      return "Ceil";
    case Kind::kRound:
      return "Round";
    case Kind::kSqrt:
      return "Sqrt";
    case Kind::kEqual:
      return "Equal";
    case Kind::kLess:
      return "Less";
    case Kind::kLessEqual:
      return "LessOrEqual";
    case Kind::kAnd:
      return "And";
    case Kind::kOr:
      return "Or";
    case Kind::kNot:
      return "Not";
    default:
      return {};
  }
}

/// Whether float32 holds it as float64 does.
bool is_exact_in_float32(const Expression& number) {
  if (number.kind() == Kind::kConstant) return static_cast<double>(static_cast<float>(number.real())) == number.real();
  if (number.kind() == Kind::kSelect)
    return is_exact_in_float32(number.operands()[1]) && is_exact_in_float32(number.operands()[2]);
  return number.is_symbol();
}

/// Whether an integer or a truth comes from floats of data in such a way that rounding counts.
bool needs_float64(const Expression& expression) {
  if (expression.is_float() || expression.operands().empty() || !expression.operands()[0].is_float()) return false;
  return symbolic::is_data_dependent(expression) && !std::ranges::all_of(expression.operands(), is_exact_in_float32);
}

at::ScalarType dtype_of(const Expression& expression) {
  return expression.is_int() ? at::kLong : expression.is_float() ? at::kDouble : at::kBool;
}

}  // namespace

Operand Lowering::compute(const Expression& expression) {
  if (expression.is_constant()) {
    if (may_leave_32_bits(expression))
      forbid_beyond_32_bits(constant(at::tensor({static_cast<float>(expression.constant())}, at::kFloat)));
    const at::Tensor value = expression.is_float()  ? at::tensor({expression.real()}, at::kDouble)
                             : expression.is_bool() ? at::tensor({expression.truth()}, at::kBool)
                                                    : at::tensor({expression.constant()}, at::kLong);
    return constant(value);
  }
  const auto cached = computed_.find(expression);
  if (cached != computed_.end()) return cached->second;
  const Operand result = is_handed_over(expression)
                             ? number_input(expression, expression.is_int() && expression.range().min >= 0)
                             : compute_anew(expression);
  computed_.emplace(expression, result);
  return result;
}

Operand Lowering::compute_size(const Expression& expression) {
  if (!is_handed_over(expression) || expression.range().min >= 0) return compute(expression);
  const auto cached = computed_sizes_.find(expression);
  if (cached != computed_sizes_.end()) return cached->second;
  return computed_sizes_.emplace(expression, number_input(expression, /*is_shape=*/true)).first->second;
}

/// A size of an input is read where it is; what is computed from them isn't left to arithmetic with doubtful bounds.
bool Lowering::is_handed_over(const Expression& expression) const {
  return !target_.size_arithmetic && !expression.is_constant() && !expression.is_symbol() &&
         !symbolic::is_data_dependent(expression);
}

Operand Lowering::number_input(const Expression& expression, bool is_shape) {
  const Operand input{unique("size"), is_shape ? at::kBool : dtype_of(expression)};
  model_.numbers.push_back({input.name, expression, is_shape, input.dtype});
  if (!is_shape) return input;
  return emit_as(at::kLong, "Shape", {input}, {{"start", int64_t{0}}, {"end", int64_t{1}}});
}

Operand Lowering::compute_anew(const Expression& expression) {
  const Kind kind = expression.kind();
  if (kind == Kind::kSymbol) return symbol_value(expression.symbol());
  if (!target_.float64 && needs_float64(expression)) {
    fail("depends on " + expression.str() + ", which is right in double precision only");
  }
  std::vector<Operand> operands;
  for (const Expression& operand : expression.operands()) operands.push_back(compute(operand));
  forbid_undefined(expression, operands);
  const auto fold = [&](std::string_view op) {
    Operand result = operands.front();
    for (size_t i = 1; i < operands.size(); ++i) result = emit(op, {result, operands[i]});
    return result;
  };
  const auto op = onnx_operator(kind);
  switch (kind) {
    case Kind::kProduct:
      if (expression.coefficient() != 1) operands.push_back(integers({expression.coefficient()}));
      [[fallthrough]];
    case Kind::kSum:
      forbid_beyond_32_bits(expression, op, operands);
      return fold(op);
    case Kind::kPower:
      forbid_beyond_32_bits(expression, op, operands);
      break;
    case Kind::kAnd:
    case Kind::kOr:
      return fold(op);
    case Kind::kFloorDiv: {
      const auto range_of = [&](size_t i) { return expression.operands()[i].range(); };
      const bool positive = range_of(0).min >= 0 && range_of(1).min > 0;
      // Runtimes disagree on how Div rounds below zero; without a remainder they can't.
      const Operand dividend =
          positive ? operands[0] : emit("Sub", {operands[0], emit("Mod", {operands[0], operands[1]})});
      return emit("Div", {dividend, operands[1]});
    }
    case Kind::kToFloat:
    case Kind::kFromBool:
      return cast(operands[0], dtype_of(expression));
    case Kind::kTrueDiv:
      return emit(op, {cast(operands[0], at::kDouble), cast(operands[1], at::kDouble)});
    case Kind::kFloor:
    case Kind::kCeil:
    case Kind::kRound:
    case Kind::kTruncate:
      if (symbolic::is_data_dependent(expression)) forbid_beyond_32_bits(operands[0]);
      return cast(kind == Kind::kTruncate ? operands[0] : emit(op, operands), at::kLong);
    case Kind::kNotEqual:
      return emit_as(at::kBool, "Not", {emit_as(at::kBool, "Equal", operands)});
    default:
      break;
  }
  if (op.empty()) fail("the size " + expression.str() + " can't be computed in ONNX");
  return emit_as(dtype_of(expression), op, operands);
}

Operand Lowering::sizes(c10::SymIntArrayRef sizes) { return joined(sizes, &Lowering::compute_size); }
Operand Lowering::numbers(c10::SymIntArrayRef numbers) { return joined(numbers, &Lowering::compute); }

Operand Lowering::joined(c10::SymIntArrayRef numbers, ComputeOne compute_one) {
  std::vector<Operand> parts;
  std::vector<int64_t> run;  // neighbouring constants
  const auto end_run = [&] {
    if (!run.empty()) parts.push_back(integers(run));
    run.clear();
  };
  for (const c10::SymInt& number : numbers) {
    if (const auto known = number.maybe_as_int()) {
      run.push_back(*known);
    } else {
      end_run();
      parts.push_back((this->*compute_one)(expression_of(number)));
    }
  }
  end_run();
  if (parts.empty()) return integers({});
  return parts.size() == 1 ? parts.front() : emit("Concat", parts, {{"axis", int64_t{0}}});
}

Operand Lowering::reshape(const Operand& operand, c10::SymIntArrayRef from, c10::SymIntArrayRef to) {
  if (from.size() == to.size() && std::ranges::equal(from, to, same)) return operand;
  if (to.empty()) {
    // Not a Reshape: OpenVINO's compiler falls over one of a matrix product to a scalar.
    std::vector<int64_t> axes(from.size());
    std::iota(axes.begin(), axes.end(), 0);
    return squeeze(operand, axes);
  }
  const bool can_infer = never_empty(to);
  const auto is_kept = [&](size_t axis) {
    return !is_static(to[axis]) && axis < from.size() && same(from[axis], to[axis]);
  };
  const auto is_known = [&](size_t axis) { return is_static(to[axis]) && to[axis].maybe_as_int() != 0; };
  // A size of 0 means "as it was" in ONNX, unless all sizes are taken at their word.
  bool literal = false;
  for (size_t axis = 0; axis < to.size() && !can_infer; ++axis) literal |= !is_kept(axis) && !is_known(axis);
  bool inferred = false;
  std::vector<c10::SymInt> target;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    if (!literal && is_kept(axis)) {
      target.emplace_back(0);
    } else if (!is_static(to[axis]) && can_infer && !inferred) {
      target.emplace_back(-1);
      inferred = true;
    } else {
      target.push_back(to[axis]);
    }
  }
  return emit("Reshape", {operand, sizes(target)}, {{"allowzero", int64_t{literal}}});
}

Operand Lowering::expand(const Operand& operand, c10::SymIntArrayRef from, c10::SymIntArrayRef to) {
  const size_t added = to.size() - from.size();
  std::vector<c10::SymInt> target;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    // ONNX broadcasts both ways: where the operand has the size already, 1 says so without computing it.
    const bool is_there = axis >= added && same(from[axis - added], to[axis]);
    target.push_back(is_there ? c10::SymInt(1) : to[axis]);
  }
  // OpenVINO doesn't fuse attention that gets axes by being expanded, and leaves out an Expand that adds axes only.
  std::vector<int64_t> new_axes(added);
  std::iota(new_axes.begin(), new_axes.end(), 0);
  const Operand widened = unsqueeze(operand, new_axes);
  if (std::ranges::all_of(target, [](const auto& size) { return size.maybe_as_int() == 1; })) return widened;
  // OpenVINO writes an element of an empty tensor that it broadcasts to, and ONNX Runtime takes 1 to be more than 0:
  // there is one element, which is cut off.
  std::vector<int64_t> maybe_empty;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    if (target[axis].maybe_as_int() == 1 || expression_of(to[axis]).range().min > 0) continue;
    maybe_empty.push_back(static_cast<int64_t>(axis));
    target[axis] = to[axis].max(1);
  }
  // Nor does it take 1 for a size that is 0: an axis of size 1 is repeated instead, beside one that may be empty.
  const auto axis_of = [&](size_t axis) { return axis < added ? c10::SymInt(1) : from[axis - added]; };
  bool repeats = false, all_are_one = true;
  for (size_t axis = 0; axis < to.size(); ++axis) {
    const bool stays = target[axis].maybe_as_int() == 1;
    repeats |= stays && expression_of(to[axis]).range().min <= 0;
    all_are_one &= stays || axis_of(axis).maybe_as_int() == 1;
  }
  Operand expanded = repeats && all_are_one ? tile(widened, target) : emit("Expand", {widened, sizes(target)});
  for (const int64_t axis : maybe_empty)
    expanded = slice(expanded, axis, integers({0}), size(to[static_cast<size_t>(axis)]));
  return expanded;
}

Operand Lowering::tile(const Operand& operand, c10::SymIntArrayRef repeats) {
  const size_t rank = repeats.size(), more = 6;  // axes than any image has: a tensor of so many is row-major
  if (target_.tiles_images || rank < 3 || rank >= more) return emit("Tile", {operand, sizes(repeats)});
  std::vector<int64_t> added(more - rank);
  std::iota(added.begin(), added.end(), 0);
  Sizes counts(added.size(), 1);
  counts.append(repeats.begin(), repeats.end());
  return squeeze(emit("Tile", {unsqueeze(operand, added), sizes(counts)}), added);
}

Operand Lowering::transpose(const Operand& operand, const std::vector<int64_t>& permutation) {
  if (std::ranges::is_sorted(permutation)) return operand;
  return emit("Transpose", {operand}, {{"perm", permutation}});
}

Operand Lowering::unsqueeze(const Operand& operand, const std::vector<int64_t>& axes) {
  return axes.empty() ? operand : emit("Unsqueeze", {operand, integers(axes)});
}

Operand Lowering::squeeze(const Operand& operand, const std::vector<int64_t>& axes) {
  return axes.empty() ? operand : emit("Squeeze", {operand, integers(axes)});
}

Operand Lowering::slice(const Operand& operand, int64_t axis, const Operand& start, const Operand& end, int64_t step) {
  return emit("Slice", {operand, start, end, integers({axis}), integers({step})});
}

Operand Lowering::gather_elements(const Operand& operand, const Operand& indices, int64_t axis) {
  if (!target_.gathers_slices) gathered_.insert(operand.name);
  return emit("GatherElements", {operand, indices}, {{"axis", axis}});
}

/// OpenVINO leaves out a slice from 0 on where it gathers from it, whatever its axis, also where reshapes lie between.
/// One that starts before the first element is as good, and stays.
void Lowering::keep_slices() {
  if (gathered_.empty()) return;
  static constexpr std::string_view kViews[] = {"Reshape", "Unsqueeze", "Squeeze", "Transpose", "Cast", "Expand"};
  const std::string from_first = integers({0}).name;
  const std::string from_before = integers({std::numeric_limits<int32_t>::min()}).name;
  for (auto node = model_.nodes.rbegin(); node != model_.nodes.rend(); ++node) {
    if (!gathered_.contains(node->outputs.front())) continue;
    const bool is_slice = node->op == "Slice";
    if (!is_slice && std::ranges::find(kViews, node->op) == std::end(kViews)) continue;
    if (is_slice && node->inputs[1] == from_first) node->inputs[1] = from_before;
    gathered_.insert(node->inputs.front());
  }
}

}  // namespace tracejet::onnx
