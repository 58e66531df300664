// scan, map and associative_scan: a body that runs once for every slice of some tensors along their axis 0.
#include "base/error.h"
#include "capture/control_flow/control_flow.h"
#include "capture/control_flow/operands.h"
#include "ir/control_flow.h"
#include "ops/shape/shape.h"

namespace tracejet::control_flow {

namespace {

/// How many slices there are: as many of each tensor; guards.
c10::SymInt count_of(const std::vector<TensorMeta>& stacked) {
  if (stacked.empty()) throw InvalidInput("there is nothing to take slices of");
  for (const TensorMeta& meta : stacked) {
    if (meta.sizes.empty()) throw ShapeError("a 0-dim tensor has no slices");
    shape::require_equal(stacked.front().sizes.front(), meta.sizes.front(), "the numbers of slices");
  }
  return stacked.front().sizes.front();
}

/// A slice of each of these contiguous tensors.
std::vector<TensorMeta> sliced(const std::vector<TensorMeta>& stacked) {
  std::vector<TensorMeta> slices;
  for (const TensorMeta& meta : stacked) {
    slices.push_back(shape::contiguous(Sizes(meta.sizes.begin() + 1, meta.sizes.end()), meta.dtype, meta.device));
  }
  return slices;
}

/// `count` of these one above the other.
TensorMeta stacked(const TensorMeta& slice, const c10::SymInt& count, const NewSymbols& of_body) {
  if (of_body.appear_in(slice)) {
    throw ShapeError("a slice of its result is " + slice.str() + ", whose size may differ from run to run");
  }
  Sizes sizes = slice.sizes;
  sizes.insert(sizes.begin(), count);
  return shape::contiguous(std::move(sizes), slice.dtype, slice.device);
}

void append(std::vector<TensorMeta>& metas, const std::vector<TensorMeta>& more) {
  metas.insert(metas.end(), more.begin(), more.end());
}

}  // namespace

std::vector<at::Tensor> record_scan(Tracer& tracer, const Body& combine, const std::vector<at::Tensor>& init,
                                    const std::vector<at::Tensor>& xs) {
  return located(tracer, scan(), [&] {
    std::vector<const Value*> state = contiguous_values_of(tracer, init);
    std::vector<const Value*> stacks = contiguous_values_of(tracer, xs);
    const c10::SymInt count = count_of(metas_of(stacks));
    const NewSymbols of_body(tracer.shapes());
    const std::vector<TensorMeta> before = metas_of(state);
    std::vector<TensorMeta> operands = before;
    append(operands, sliced(metas_of(stacks)));
    Subgraph body = tracer.subgraphs().record(combine, operands);

    std::vector<TensorMeta> results = results_of(*body.graph);
    if (results.size() < before.size()) {
      throw ShapeError("it carries " + std::to_string(before.size()) + " tensors, and combine_fn gives " +
                       std::to_string(results.size()) + " in all");
    }
    for (size_t i = 0; i < results.size(); ++i) {
      if (i < before.size()) {
        const std::string what = "carried tensor " + std::to_string(i);
        require_same(before[i], results[i], what + " before a run of combine_fn", "after it");
      } else {
        results[i] = stacked(results[i], count, of_body);
      }
    }
    std::vector<at::Tensor> given = tracer.subgraphs().record_call(
        scan(), {std::move(state), std::move(stacks), std::move(body.captured)}, std::move(results), {body.graph});
    std::vector<at::Tensor> slices = init;
    slices.insert(slices.end(), xs.begin(), xs.end());
    add_aliases_of_runs(tracer, {given.begin(), given.begin() + static_cast<std::ptrdiff_t>(init.size())}, slices,
                        *body.graph);
    return given;
  });
}

std::vector<at::Tensor> record_map(Tracer& tracer, const Body& body, const std::vector<at::Tensor>& xs,
                                   const std::vector<at::Tensor>& operands) {
  return located(tracer, map(), [&] {
    std::vector<const Value*> stacks = contiguous_values_of(tracer, xs);
    std::vector<const Value*> additional = values_of(tracer, operands);
    const c10::SymInt count = count_of(metas_of(stacks));
    const NewSymbols of_body(tracer.shapes());
    std::vector<TensorMeta> inputs = sliced(metas_of(stacks));
    append(inputs, metas_of(additional));
    Subgraph recorded = tracer.subgraphs().record(body, inputs);

    std::vector<TensorMeta> results = results_of(*recorded.graph);
    for (TensorMeta& result : results) result = stacked(result, count, of_body);
    additional.insert(additional.end(), recorded.captured.begin(), recorded.captured.end());
    return tracer.subgraphs().record_call(map(), {std::move(stacks), std::move(additional)}, std::move(results),
                                          {recorded.graph});
  });
}

std::vector<at::Tensor> record_associative_scan(Tracer& tracer, const Body& combine,
                                                const std::vector<at::Tensor>& xs) {
  return located(tracer, associative_scan(), [&] {
    std::vector<const Value*> stacks = contiguous_values_of(tracer, xs);
    const std::vector<TensorMeta> all = metas_of(stacks);
    count_of(all);
    const std::vector<TensorMeta> slices = sliced(all);
    std::vector<TensorMeta> operands = slices;
    append(operands, slices);
    Subgraph body = tracer.subgraphs().record(combine, operands);

    const std::vector<TensorMeta> results = results_of(*body.graph);
    if (results.size() != slices.size()) {
      throw ShapeError("it scans " + std::to_string(slices.size()) + " tensors, and combine_fn gives " +
                       std::to_string(results.size()));
    }
    for (size_t i = 0; i < results.size(); ++i) {
      require_same(slices[i], results[i], "a slice of x " + std::to_string(i), "what combine_fn makes of two of them");
    }
    return tracer.subgraphs().record_call(associative_scan(), {std::move(stacks), std::move(body.captured)}, all,
                                          {body.graph});
  });
}

}  // namespace tracejet::control_flow
