// torch.cond: one of two branches.
#include <algorithm>

#include "base/error.h"
#include "capture/control_flow/control_flow.h"
#include "capture/control_flow/operands.h"
#include "ir/control_flow.h"
#include "ops/shape/shape.h"
#include "symbolic/asker.h"
#include "symbolic/context.h"
#include "symbolic/sym_node.h"

namespace tracejet::control_flow {

namespace {

/// The branch that runs always, if that is known; null otherwise.
const Body* known_branch(Tracer& tracer, const Argument& predicate, const Body& then, const Body& otherwise) {
  if (const auto* value = std::get_if<const Value*>(&predicate)) {
    require_boolean((*value)->tensor(), "the predicate");
    const auto data = tracer.lifting().constants().of(**value);
    if (!data) return nullptr;
    return data->is_nonzero() ? &then : &otherwise;
  }
  const auto& constant = std::get<c10::IValue>(predicate);
  if (constant.isSymBool()) {
    const auto known = constant.toSymBool().maybe_as_bool();
    return !known ? nullptr : *known ? &then : &otherwise;
  }
  if (!constant.isBool()) throw InvalidInput("its predicate is neither a boolean nor a tensor");
  return constant.toBool() ? &then : &otherwise;
}

/// The size of a result that is `a` in one branch and `b` in the other.
c10::SymInt joined(const c10::SymInt& a, const c10::SymInt& b, const NewSymbols& of_branches,
                   symbolic::Context& context) {
  if (shape::known_equal(a, b) && !of_branches.appear_in(a)) return a;
  const auto range = [&](const c10::SymInt& size) {
    const auto known = size.maybe_as_int();
    return known ? symbolic::Range{*known, *known} : context.range(*symbolic::expression_of(size));
  };
  const symbolic::Range first = range(a), second = range(b);
  return context.sym_int(
      context.unbacked("u", {std::max<int64_t>(0, std::min(first.min, second.min)), std::max(first.max, second.max)}));
}

std::vector<TensorMeta> joined(const Graph& then, const Graph& otherwise, const NewSymbols& of_branches) {
  std::vector<TensorMeta> results = results_of(then);
  const std::vector<TensorMeta> others = results_of(otherwise);
  if (results.size() != others.size()) {
    throw ShapeError("one branch gives " + std::to_string(results.size()) + " tensors, and the other " +
                     std::to_string(others.size()) + "; they must be alike");
  }
  for (size_t i = 0; i < results.size(); ++i) {
    const std::string what = "result " + std::to_string(i);
    require_same_kind(results[i], others[i], what + " of the true branch", "that of the false branch");
    for (size_t axis = 0; axis < results[i].sizes.size(); ++axis) {
      results[i].sizes[axis] = joined(results[i].sizes[axis], others[i].sizes[axis], of_branches, then.shapes());
    }
    results[i].strides = contiguous_strides(results[i].sizes);
  }
  return results;
}

}  // namespace

std::vector<at::Tensor> record_cond(Tracer& tracer, const c10::IValue& predicate, const Body& then,
                                    const Body& otherwise, const std::vector<at::Tensor>& operands) {
  return located(tracer, cond(), [&]() -> std::vector<at::Tensor> {
    Argument decides = tracer.to_argument(predicate);
    if (const Body* branch = known_branch(tracer, decides, then, otherwise)) {
      const symbolic::AskedBy asked(symbolic::Asker::kCaller);
      return (*branch)(operands);
    }

    const NewSymbols of_branches(tracer.shapes());
    std::vector<const Value*> inputs = values_of(tracer, operands);
    constexpr auto kPerhaps = symbolic::Context::Runs::kPerhaps;
    Subgraph first = tracer.subgraphs().record(then, metas_of(inputs), {}, kPerhaps);
    Subgraph second = tracer.subgraphs().record(otherwise, metas_of(inputs), first.captured, kPerhaps);
    add_captured(first, second.captured);
    inputs.insert(inputs.end(), second.captured.begin(), second.captured.end());
    std::vector<at::Tensor> results =
        tracer.subgraphs().record_call(cond(), {std::move(decides), std::move(inputs)},
                                       joined(*first.graph, *second.graph, of_branches), {first.graph, second.graph});
    add_aliases(tracer, results, operands, *first.graph);
    add_aliases(tracer, results, operands, *second.graph);
    return results;
  });
}

}  // namespace tracejet::control_flow
