// Ranges of what is summed up, moved, found or made.
#include "ir/analysis/interval.h"
#include "ir/analysis/value_range_rules.h"

namespace tracejet {

namespace {

using interval::product;
using interval::sum;
using interval::times;
using interval::unreached;
using interval::with_zero;

ValueRange self(const RangeQuery& query) { return query.of("self"); }
ValueRange self_or_zero(const RangeQuery& query) { return with_zero(query.of("self")); }

ValueRange total(const RangeQuery& query) {
  const ValueRange a = query.of("self"), count = query.count();
  return {times(a.min, a.min < 0 ? count.max : count.min), times(a.max, a.max > 0 ? count.max : count.min)};
}

ValueRange scan_sum(const RangeQuery& query) {
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
    count = std::min(count * range_of_size(size).max, kMaxRangeOfSize);
  return unreached(sum(query.of("self"), product(source, {0, count})));
}

ValueRange index_put(const RangeQuery& query) {
  const ValueRange self = query.of("self"), values = query.of("values");
  const bool accumulates = query.call.declares("accumulate") && query.call.flag("accumulate");
  if (!accumulates) return unite(self, values);
  double count = 1;
  for (const c10::SymInt& size : query.call.tensor("values").sizes)
    count = std::min(count * range_of_size(size).max, kMaxRangeOfSize);
  return unreached(sum(self, product(with_zero(values), {0, count})));
}

ValueRange arange(const RangeQuery& query) {
  const ValueRange start = query.optional("start").value_or(ValueRange::of(0));
  ValueRange end = query.as_given("end");
  const double step = is_integral(query.dtype()) ? 1 : 0;
  const bool is_known = start.min == start.max && end.min == end.max && end.min == std::floor(end.min);
  if (step == 1) end = {std::floor(end.min), std::ceil(end.max)};  // it counts how often it steps in floats
  return {std::min(start.min, end.min + step), std::max(start.max, end.max - step), is_known};
}

ValueRange filled(const RangeQuery& query) { return query.of("fill_value"); }
ValueRange zero(const RangeQuery&) { return ValueRange::of(0); }
ValueRange one(const RangeQuery&) { return ValueRange::of(1); }
ValueRange scalar(const RangeQuery& query) { return query.of("s"); }

}  // namespace

std::span<const NamedRangeRule> element_range_rules() {
  static constexpr NamedRangeRule table[] = {
      {"aten::sum", total},
      {"aten::prod", total_product},
      {"aten::cumsum", scan_sum},
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
      {"aten::constant_pad_nd", self_or_value},
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
  return table;
}

}  // namespace tracejet
