// What operators make of ranges: interval arithmetic.
#include "ir/analysis/value_range_rules.h"

#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <unordered_map>

#include <c10/core/Scalar.h>

#include "ir/analysis/element_flow.h"
#include "ir/size_expression.h"

namespace tracejet {

namespace {

constexpr double kMaxSize = 0x1p31 - 1;
constexpr double kAdded = 1 << 16;

ValueRange hull(std::initializer_list<double> values, bool is_reached) {
  return {std::min(values), std::max(values), is_reached};
}

/// 0 times infinity is 0: the infinity is only a bound.
double times(double a, double b) { return a == 0 || b == 0 ? 0 : a * b; }

/// A single number that 32 bits don't hold. Times anything but 0 it stays so.
bool is_far(const ValueRange& a) { return a.min == a.max && a.magnitude() > 0x1p31; }

ValueRange sum(const ValueRange& a, const ValueRange& b) {
  return {a.min + b.min, a.max + b.max, a.is_reached && b.is_reached};
}

ValueRange negated(const ValueRange& a) { return {-a.max, -a.min, a.is_reached}; }

ValueRange product(const ValueRange& a, const ValueRange& b) {
  return hull({times(a.min, b.min), times(a.min, b.max), times(a.max, b.min), times(a.max, b.max)},
              (a.is_reached && b.is_reached) || is_far(a) || is_far(b));
}

ValueRange with_zero(const ValueRange& a) { return {std::min(a.min, 0.0), std::max(a.max, 0.0), a.is_reached}; }

ValueRange unreached(const ValueRange& a) { return {a.min, a.max, false}; }

/// The next number that is all ones in binary.
double all_ones(double value) {
  if (value >= 0x1p62) return 0x1p63 - 1;
  return static_cast<double>(std::bit_ceil(static_cast<uint64_t>(value) + 1) - 1);
}

bool is_integral(at::ScalarType dtype) { return at::isIntegralType(dtype, /*includeBool=*/true); }

// Rules ---------------------------------------------------------------------------------------------------------------

/// Some overloads (upsample_nearest2d.vec) have another name for it.
ValueRange self(const RangeQuery& query) { return query.of(query.call.declares("self") ? "self" : "input"); }
ValueRange self_or_zero(const RangeQuery& query) { return with_zero(query.of("self")); }

ValueRange add(const RangeQuery& query) {
  const auto alpha = query.optional("alpha").value_or(ValueRange::of(1));
  return sum(query.of("self"), product(query.of("other"), alpha));
}

ValueRange subtract(const RangeQuery& query) {
  const auto alpha = query.optional("alpha").value_or(ValueRange::of(1));
  return sum(query.of("self"), negated(product(query.of("other"), alpha)));
}

ValueRange subtract_reversed(const RangeQuery& query) {
  const auto alpha = query.optional("alpha").value_or(ValueRange::of(1));
  return sum(query.of("other"), negated(product(query.of("self"), alpha)));
}

ValueRange multiply(const RangeQuery& query) { return product(query.of("self"), query.of("other")); }
ValueRange negate(const RangeQuery& query) { return negated(query.of("self")); }

ValueRange absolute(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  if (a.min >= 0) return a;
  return {a.max <= 0 ? -a.max : 0, a.magnitude(), a.is_reached};
}

ValueRange sign(const RangeQuery&) { return {-1, 1}; }

ValueRange bitwise_not(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  return {-a.max - 1, -a.min - 1, a.is_reached};
}

ValueRange divide(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  const bool may_be_zero = b.min <= 0 && b.max >= 0;
  if (!is_integral(query.dtype())) {
    if (may_be_zero) return {};
    return unreached(hull({a.min / b.min, a.min / b.max, a.max / b.min, a.max / b.max}, false));
  }
  // Not further from 0 than the dividend, but for -1 // 2.
  const double largest = a.magnitude();
  if (may_be_zero) return {a.min >= 0 && b.min >= 0 ? 0 : -largest, largest};
  const double nearest = std::min(std::abs(b.min), std::abs(b.max));
  const ValueRange all{-std::ceil(largest / nearest), std::floor(largest / nearest)};
  return a.min >= 0 && b.min > 0 ? ValueRange{0, all.max} : ValueRange{all.min, std::max(-all.min, all.max)};
}

ValueRange remainder(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  if (a.min >= 0 && b.min > 0 && a.max < b.min) return a;
  const double step = is_integral(query.dtype()) ? 1 : 0;
  return {std::min(b.min + step, 0.0), std::max(b.max - step, 0.0)};
}

ValueRange c_remainder(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  const double limit = std::min(std::max(b.magnitude() - (is_integral(query.dtype()) ? 1 : 0), 0.0), a.magnitude());
  return {a.min >= 0 ? 0 : -limit, a.max <= 0 ? 0 : limit};
}

ValueRange larger(const ValueRange& a, const ValueRange& b) {
  return {std::max(a.min, b.min), std::max(a.max, b.max), a.is_reached && b.is_reached};
}

ValueRange smaller(const ValueRange& a, const ValueRange& b) {
  return {std::min(a.min, b.min), std::min(a.max, b.max), a.is_reached && b.is_reached};
}

ValueRange maximum(const RangeQuery& query) { return larger(query.of("self"), query.of("other")); }
ValueRange minimum(const RangeQuery& query) { return smaller(query.of("self"), query.of("other")); }

ValueRange clamp(const RangeQuery& query) {
  ValueRange range = query.of("self");
  // A bound that none of its data exceeds needn't be reached by it, but what lies within is.
  if (const auto low = query.optional(query.call.declares("min_val") ? "min_val" : "min")) {
    range = {std::max(range.min, low->min), std::max(range.max, low->max), range.is_reached};
  }
  if (const auto high = query.optional(query.call.declares("max_val") ? "max_val" : "max")) {
    range = {std::min(range.min, high->min), std::min(range.max, high->max), range.is_reached};
  }
  return range;
}

ValueRange relu(const RangeQuery& query) { return larger(query.of("self"), ValueRange::of(0)); }
ValueRange unit(const RangeQuery&) { return {0, 1}; }
ValueRange plus_minus_one(const RangeQuery&) { return {-1, 1}; }

template <double (*Round)(double)>
ValueRange rounded(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  return {Round(a.min), Round(a.max), a.is_reached};
}

ValueRange power(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  const ValueRange k = query.as_given("exponent");
  if (k.min != k.max || k.min < 0 || k.min != std::floor(k.min)) {
    if (a.min < 0 || k.min < 0) return {};
    return {0, std::max(1.0, std::pow(std::max(a.max, 1.0), k.max))};
  }
  const ValueRange corners = hull({std::pow(a.min, k.min), std::pow(a.max, k.min)}, a.is_reached && k.is_reached);
  const bool is_even = std::fmod(k.min, 2) == 0;
  return is_even && a.min < 0 && a.max > 0 ? with_zero(corners) : corners;
}

ValueRange shift_left(const RangeQuery& query) {
  const ValueRange a = query.of("self"), by = query.as_given("other");
  const ValueRange factor{0, std::exp2(std::clamp(by.max, 0.0, 63.0)), by.is_reached};
  return with_zero(product(a, factor));
}

ValueRange shift_right(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  return unreached({std::min(a.min, a.min < 0 ? -1.0 : 0.0), std::max(a.max, 0.0)});
}

ValueRange bitwise_and(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  if (a.min >= 0 && b.min >= 0) return {0, std::min(a.max, b.max)};
  if (a.min >= 0) return {0, a.max};
  if (b.min >= 0) return {0, b.max};
  return {-all_ones(std::max(-a.min, -b.min) - 1) - 1, std::max({a.max, b.max, 0.0})};
}

ValueRange bitwise_or(const RangeQuery& query) {
  const ValueRange a = query.of("self"), b = query.of("other");
  const double ones = all_ones(std::max({a.max, b.max, -a.min - 1, -b.min - 1, 0.0}));
  return {a.min >= 0 && b.min >= 0 ? 0 : -ones - 1, ones, is_far(a) || is_far(b)};
}

ValueRange cast(const RangeQuery& query) {
  ValueRange a = query.as_given("self");
  const auto from = query.call.tensor("self").dtype;
  if (is_integral(from) || !is_integral(query.dtype())) return a;
  // Nobody says how large an unbounded float gets; the largest of them are no integers in any dtype. What is added to
  // the integer mustn't look like an overflow.
  const ValueRange bounds{-kMaxSize + kAdded, kMaxSize - kAdded};
  const bool is_narrow = query.dtype() != at::kLong;
  if (!std::isfinite(a.min)) a = {is_narrow ? a.min : bounds.min, a.max};
  if (!std::isfinite(a.max)) a = {a.min, is_narrow ? a.max : bounds.max};
  return {std::trunc(a.min), std::trunc(a.max), a.is_reached};
}

ValueRange total(const RangeQuery& query) {
  const ValueRange a = query.of("self"), count = query.count();
  return {times(a.min, a.min < 0 ? count.max : count.min), times(a.max, a.max > 0 ? count.max : count.min)};
}

ValueRange running_total(const RangeQuery& query) {
  const ValueRange a = query.of("self"), count = query.count();
  return {std::min(a.min, times(a.min, count.max)), std::max(a.max, times(a.max, count.max))};
}

ValueRange total_product(const RangeQuery& query) {
  const ValueRange a = query.of("self");
  const double largest = std::max(std::pow(a.magnitude(), query.count().max), 1.0);
  return {a.min >= 0 ? 0 : -largest, largest};
}

/// `inner`: how many products are summed.
ValueRange dot(const ValueRange& a, const ValueRange& b, const ValueRange& inner) {
  return unreached(product(with_zero(product(a, b)), {0, inner.max}));
}

ValueRange matrix_product(const RangeQuery& query) {
  const Call& call = query.call;
  const auto right = call.declares("mat2")     ? "mat2"
                     : call.declares("vec")    ? "vec"
                     : call.declares("tensor") ? "tensor"
                                               : "other";
  return dot(query.of("self"), query.of(right), range_of_size(call.tensor("self").sizes.back()));
}

ValueRange matrix_product_and_sum(const RangeQuery& query) {
  const Call& call = query.call;
  const bool is_batched = call.declares("batch1");
  const auto left = is_batched ? "batch1" : call.declares("mat1") ? "mat1" : "mat";
  const auto right = is_batched ? "batch2" : call.declares("mat2") ? "mat2" : "vec";
  const ValueRange inner = range_of_size(call.tensor(left).sizes.back());
  const ValueRange right_side = product(dot(query.of(left), query.of(right), inner), *query.optional("alpha"));
  return sum(product(query.of("self"), *query.optional("beta")), right_side);
}

ValueRange index(const RangeQuery& query) { return query.index(); }
ValueRange value_then_index(const RangeQuery& query) { return query.output == 0 ? query.of("self") : query.index(); }

ValueRange positions(const RangeQuery& query) {
  ValueRange range{0, 0};
  for (const c10::SymInt& size : query.call.tensor("self").sizes)
    range.max = std::max(range.max, range_of_size(size).max - 1);
  return range;
}

ValueRange parts(const RangeQuery& query) {
  std::optional<ValueRange> all;
  for (const Value* part : query.call.values("tensors")) all = all ? unite(*all, query.of(*part)) : query.of(*part);
  return all.value_or(ValueRange{});
}

ValueRange where(const RangeQuery& query) { return unite(query.of("self"), query.of("other")); }
ValueRange self_or_value(const RangeQuery& query) { return unite(query.of("self"), query.of("value")); }
ValueRange self_or_source(const RangeQuery& query) { return unite(query.of("self"), query.of("src")); }
ValueRange weight(const RangeQuery& query) { return query.of("weight"); }

ValueRange scatter(const RangeQuery& query) {
  if (query.call.declares("reduce")) return {};
  return query.call.declares("value") ? self_or_value(query) : self_or_source(query);
}

/// How often an element is added to isn't known; that all of the source go to one place is.
ValueRange scatter_add(const RangeQuery& query) {
  const ValueRange source = with_zero(query.of("src"));
  double count = 1;
  for (const c10::SymInt& size : query.call.tensor("src").sizes)
    count = std::min(count * range_of_size(size).max, kMaxSize);
  return unreached(sum(query.of("self"), product(source, {0, count})));
}

ValueRange index_put(const RangeQuery& query) {
  const ValueRange self = query.of("self"), values = query.of("values");
  const bool accumulates = query.call.declares("accumulate") && query.call.flag("accumulate");
  if (!accumulates) return unite(self, values);
  double count = 1;
  for (const c10::SymInt& size : query.call.tensor("values").sizes)
    count = std::min(count * range_of_size(size).max, kMaxSize);
  return unreached(sum(self, product(with_zero(values), {0, count})));
}

ValueRange padded(const RangeQuery& query) { return query.call.declares("value") ? self_or_value(query) : self(query); }

ValueRange arange(const RangeQuery& query) {
  const ValueRange start = query.optional("start").value_or(ValueRange::of(0));
  const ValueRange end = query.as_given("end");
  const double step = is_integral(query.dtype()) ? 1 : 0;
  const bool is_known = start.min == start.max && end.min == end.max;
  return {std::min(start.min, end.min + step), std::max(start.max, end.max - step), is_known};
}

ValueRange filled(const RangeQuery& query) { return query.of("fill_value"); }
ValueRange zero(const RangeQuery&) { return ValueRange::of(0); }
ValueRange one(const RangeQuery&) { return ValueRange::of(1); }
ValueRange scalar(const RangeQuery& query) { return query.of("s"); }

double round_half_even(double value) { return std::nearbyint(value); }

using Rules = std::unordered_map<std::string_view, RangeRule>;

Rules make_rules() {
  Rules rules{
      {"aten::add", add},
      {"aten::sub", subtract},
      {"aten::rsub", subtract_reversed},
      {"aten::mul", multiply},
      {"aten::neg", negate},
      {"aten::abs", absolute},
      {"aten::sign", sign},
      {"aten::bitwise_not", bitwise_not},
      {"aten::bitwise_and", bitwise_and},
      {"aten::bitwise_or", bitwise_or},
      {"aten::bitwise_xor", bitwise_or},
      {"aten::bitwise_left_shift", shift_left},
      {"aten::__lshift__", shift_left},
      {"aten::bitwise_right_shift", shift_right},
      {"aten::__rshift__", shift_right},
      {"aten::div", divide},
      {"aten::floor_divide", divide},
      {"aten::remainder", remainder},
      {"aten::fmod", c_remainder},
      {"aten::maximum", maximum},
      {"aten::minimum", minimum},
      {"aten::fmax", maximum},
      {"aten::fmin", minimum},
      {"aten::pow", power},
      {"aten::clamp", clamp},
      {"aten::hardtanh", clamp},
      {"aten::relu", relu},
      {"aten::sigmoid", unit},
      {"aten::_softmax", unit},
      {"aten::softmax", unit},
      {"aten::tanh", plus_minus_one},
      {"aten::sin", plus_minus_one},
      {"aten::cos", plus_minus_one},
      {"aten::erf", plus_minus_one},
      {"aten::floor", rounded<std::floor>},
      {"aten::ceil", rounded<std::ceil>},
      {"aten::trunc", rounded<std::trunc>},
      {"aten::round", rounded<round_half_even>},
      {"aten::_to_copy", cast},
      {"aten::sum", total},
      {"aten::prod", total_product},
      {"aten::cumsum", running_total},
      {"aten::mm", matrix_product},
      {"aten::bmm", matrix_product},
      {"aten::mv", matrix_product},
      {"aten::dot", matrix_product},
      {"aten::matmul", matrix_product},
      {"aten::_int_mm", matrix_product},
      {"aten::addmm", matrix_product_and_sum},
      {"aten::addmv", matrix_product_and_sum},
      {"aten::baddbmm", matrix_product_and_sum},
      {"aten::argmax", index},
      {"aten::argmin", index},
      {"aten::argsort", index},
      {"aten::max", value_then_index},
      {"aten::min", value_then_index},
      {"aten::topk", value_then_index},
      {"aten::sort", value_then_index},
      {"aten::nonzero", positions},
      {"aten::cat", parts},
      {"aten::stack", parts},
      {"aten::where", where},
      {"aten::masked_fill", self_or_value},
      {"aten::index_put", index_put},
      {"aten::scatter", scatter},
      {"aten::scatter_add", scatter_add},
      {"aten::slice_scatter", self_or_source},
      {"aten::select_scatter", self_or_source},
      {"aten::constant_pad_nd", padded},
      {"aten::tril", self_or_zero},
      {"aten::triu", self_or_zero},
      {"aten::embedding", weight},
      {"aten::arange", arange},
      {"aten::as_strided", self},
      {"aten::_local_scalar_dense", self},
      {"aten::full", filled},
      {"aten::full_like", filled},
      {"aten::zeros", zero},
      {"aten::zeros_like", zero},
      {"aten::ones", one},
      {"aten::ones_like", one},
      {"aten::scalar_tensor", scalar},
  };
  return rules;
}

}  // namespace

ValueRange range_of_size(const c10::SymInt& size) {
  const auto range = expression_of(size).range();
  return {static_cast<double>(std::max<int64_t>(range.min, 0)), std::min(static_cast<double>(range.max), kMaxSize)};
}

ValueRange RangeQuery::as_given(std::string_view name) const {
  const Argument& argument = call.argument(name);
  if (const auto* value = std::get_if<const Value*>(&argument)) return of(**value);
  return range_of_number(call.scalar(name));
}

ValueRange range_of_number(const c10::Scalar& number) {
  if (number.isSymbolic()) {
    const auto expression = expression_of(number);
    if (expression.is_float()) return {};
    const auto range = expression.range();
    const auto bound = [](int64_t value) { return std::clamp(static_cast<double>(value), -kMaxSize, kMaxSize); };
    return {bound(range.min), bound(range.max)};
  }
  const double value = number.isFloatingPoint() ? number.toDouble() : static_cast<double>(number.toLong());
  // The ends of int64 stand for "beyond everything": they are compared with, not computed with.
  return {value, value, std::abs(value) < 0x1p62};
}

ValueRange RangeQuery::of(std::string_view name) const {
  const ValueRange given = as_given(name);
  const auto to = dtype();
  if (!is_integral(to) || to == at::kLong || given.is_within(limits_of(to))) return given;
  const Argument& argument = call.argument(name);
  const bool is_number = std::holds_alternative<c10::IValue>(argument) && given.min == given.max && given.is_finite();
  if (!is_number) return limits_of(to);
  const ValueRange limits = limits_of(to);
  const double size = limits.max - limits.min + 1;
  return ValueRange::of(given.min - std::floor((given.min - limits.min) / size) * size);
}

std::optional<ValueRange> RangeQuery::optional(std::string_view name) const {
  if (!call.declares(name) || !call.has(name)) return std::nullopt;
  return of(name);
}

at::ScalarType RangeQuery::dtype() const {
  const Value* value = node.outputs()[output];
  if (value->is_tensor()) return value->tensor().dtype;
  return value->scalar().isSymFloat() ? at::kDouble : at::kLong;
}

ValueRange RangeQuery::count() const {
  const TensorMeta& self = call.tensor("self");
  std::vector<int64_t> axes;
  // One axis, a list of them, or none at all.
  if (call.declares("dim") && call.has("dim")) {
    const auto& given = std::get<c10::IValue>(call.argument("dim"));
    if (!given.isInt()) {
      axes = call.axes("dim", self.dim());
    } else if (self.dim() > 0) {
      axes = {call.axis("dim", self.dim())};
    } else {
      return ValueRange::of(1);
    }
  }
  ValueRange count = ValueRange::of(1);
  for (int64_t axis = 0; axis < self.dim(); ++axis) {
    if (!axes.empty() && std::ranges::find(axes, axis) == axes.end()) continue;
    const ValueRange size = range_of_size(self.sizes[static_cast<size_t>(axis)]);
    count = {count.min * size.min, std::min(count.max * size.max, kMaxSize)};
  }
  return count;
}

ValueRange RangeQuery::index() const { return {0, std::max(count().max - 1, 0.0)}; }

RangeRule find_range_rule(const c10::OperatorHandle& op) {
  static const Rules rules = make_rules();
  if (const ElementFlow* flow = find_element_flow(op); flow != nullptr && flow->is_of_self()) return self;
  const auto found = rules.find(op.operator_name().name);
  return found == rules.end() ? nullptr : found->second;
}

}  // namespace tracejet
