#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <ATen/core/Tensor.h>

#include "base/error.h"
#include "capture/tracer.h"
#include "symbolic/asker.h"

/// What the operators of control flow have in common.
namespace tracejet::control_flow {

/// Runs `record`, whose errors then name the operator and the model's line.
template <typename Record>
std::vector<at::Tensor> located(Tracer& tracer, const c10::OperatorHandle& op, Record&& record) {
  const symbolic::AskedBy asked(symbolic::Asker::kPyTorch);
  return tracer.locations().run_located(op, record);
}

std::vector<const Value*> values_of(Tracer& tracer, const std::vector<at::Tensor>& tensors);
/// The same, of copies where a tensor isn't contiguous: in a loop, every run has to find the same strides.
std::vector<const Value*> contiguous_values_of(Tracer& tracer, const std::vector<at::Tensor>& tensors);

std::vector<TensorMeta> metas_of(std::span<const Value* const> values);
/// What a subgraph gives.
std::vector<TensorMeta> results_of(const Graph& subgraph);

/// Notes which memory a result of control flow may be in eager: what `subgraph` gives is an operand, a tensor from
/// outside, or a view of one.
void add_aliases(Tracer& tracer, const std::vector<at::Tensor>& results, const std::vector<at::Tensor>& operands,
                 const Graph& subgraph);
/// The same of a loop, whose first operands are what the run before gave. `results`: what it carries, without others.
void add_aliases_of_runs(Tracer& tracer, const std::vector<at::Tensor>& results,
                         const std::vector<at::Tensor>& operands, const Graph& body);

/// Gives a subgraph the inputs for values that only another one of the same call captures.
void add_captured(Subgraph& subgraph, std::span<const Value* const> all);

/// Throws ShapeError unless dtype, device and number of axes are the same. `what` and `other` name the two.
void require_same_kind(const TensorMeta& a, const TensorMeta& b, std::string_view what, std::string_view other);
/// As before, and the sizes are the same, too. Never guards.
void require_same(const TensorMeta& a, const TensorMeta& b, std::string_view what, std::string_view other);
/// Throws ShapeError unless it is one boolean.
void require_boolean(const TensorMeta& meta, std::string_view what);

/// The symbols that were made while it lives: sizes that only exist in one run of a subgraph.
class NewSymbols {
 public:
  explicit NewSymbols(const symbolic::Context& context) : context_(context), first_(context.symbols().size()) {}
  bool appear_in(const c10::SymInt& size) const;
  bool appear_in(const TensorMeta& meta) const;

 private:
  const symbolic::Context& context_;
  size_t first_;
};

}  // namespace tracejet::control_flow
