#include "engines/aten/control_flow.h"

#include <map>
#include <string>

#include <ATen/ops/stack.h>

#include "base/error.h"
#include "ir/control_flow.h"

namespace tracejet::aten {

namespace {

using Tensors = std::vector<at::Tensor>;

Tensors tensors(const c10::IValue& list) { return list.toTensorVector(); }

Tensors joined(Tensors first, const Tensors& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Tensors slices(const Tensors& stacked, int64_t index) {
  Tensors slices;
  for (const at::Tensor& tensor : stacked) slices.push_back(tensor.select(0, index));
  return slices;
}

int64_t count_of(const Tensors& stacked) {
  const int64_t count = stacked.front().size(0);
  if (count == 0)
    throw InvalidInput("a scan or map needs at least one slice, and its axis has size 0", ErrorCode::kGuardViolation);
  return count;
}

/// The first tensor of every run stacked, then the second one, ...
Tensors stacked(const std::vector<Tensors>& runs) {
  Tensors results;
  for (size_t result = 0; result < runs.front().size(); ++result) {
    Tensors all;
    for (const Tensors& run : runs) all.push_back(run[result]);
    results.push_back(at::stack(all));
  }
  return results;
}

Tensors cond(std::span<const Run> subgraphs, const torch::jit::Stack& arguments) {
  return subgraphs[arguments[0].toTensor().is_nonzero() ? 0 : 1](tensors(arguments[1]));
}

Tensors while_loop(std::span<const Run> subgraphs, const torch::jit::Stack& arguments) {
  Tensors carried = tensors(arguments[0]);
  const Tensors additional = tensors(arguments[1]);
  while (subgraphs[0](joined(carried, additional)).front().is_nonzero()) {
    carried = subgraphs[1](joined(std::move(carried), additional));
  }
  return carried;
}

Tensors scan(std::span<const Run> subgraphs, const torch::jit::Stack& arguments) {
  Tensors carried = tensors(arguments[0]);
  const Tensors xs = tensors(arguments[1]), additional = tensors(arguments[2]);
  std::vector<Tensors> runs;
  for (int64_t i = 0; i < count_of(xs); ++i) {
    const size_t count = carried.size();
    Tensors results = subgraphs[0](joined(joined(std::move(carried), slices(xs, i)), additional));
    const auto first_y = results.begin() + static_cast<std::ptrdiff_t>(count);
    carried.assign(results.begin(), first_y);
    runs.emplace_back(first_y, results.end());
  }
  return joined(std::move(carried), stacked(runs));
}

Tensors map(std::span<const Run> subgraphs, const torch::jit::Stack& arguments) {
  const Tensors xs = tensors(arguments[0]), additional = tensors(arguments[1]);
  std::vector<Tensors> runs;
  for (int64_t i = 0; i < count_of(xs); ++i) runs.push_back(subgraphs[0](joined(slices(xs, i), additional)));
  return stacked(runs);
}

Tensors associative_scan(std::span<const Run> subgraphs, const torch::jit::Stack& arguments) {
  const Tensors xs = tensors(arguments[0]), additional = tensors(arguments[1]);
  std::vector<Tensors> runs{slices(xs, 0)};
  for (int64_t i = 1; i < count_of(xs); ++i) {
    runs.push_back(subgraphs[0](joined(joined(runs.back(), slices(xs, i)), additional)));
  }
  return stacked(runs);
}

/// What passes have put together.
Tensors called(std::span<const Run> subgraphs, const torch::jit::Stack& arguments) {
  return subgraphs[0](tensors(arguments[0]));
}

}  // namespace

ControlFlow control_flow_of(const c10::OperatorHandle& op) {
  static const std::map<std::string, ControlFlow> table = {
      {"higher_order::cond", cond},
      {"higher_order::while_loop", while_loop},
      {"higher_order::scan", scan},
      {"higher_order::map_impl", map},
      {"higher_order::associative_scan", associative_scan},
      {"tracejet::fused", called},
      {"tracejet::recorded", called},
  };
  const auto found = table.find(op.operator_name().name);
  if (found == table.end())
    throw Error("[" + op.operator_name().name + "] the interpreter can't run its subgraphs", ErrorCode::kInternalError);
  return found->second;
}

}  // namespace tracejet::aten
