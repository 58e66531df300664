#include "capture/control_flow/operands.h"

#include <algorithm>

#include <ATen/ops/clone.h>

#include "base/error.h"
#include "capture/keys.h"
#include "ops/shape/shape.h"
#include "symbolic/sym_node.h"

namespace tracejet::control_flow {

namespace {

void refuse_transforms(const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.key_set().has_any(kTransformKeys)) return;
  throw UnsupportedOperator("control flow inside of a transform of torch.func (vmap, grad) can't be captured",
                            ErrorCode::kControlFlow);
}

}  // namespace

std::vector<const Value*> values_of(Tracer& tracer, const std::vector<at::Tensor>& tensors) {
  std::vector<const Value*> values;
  for (const at::Tensor& tensor : tensors) {
    refuse_transforms(tensor);
    tracer.aliases().check_content(tracer.lifting().lift(tensor), "this call");
    values.push_back(&tracer.lifting().value_of(tensor));
  }
  return values;
}

std::vector<const Value*> contiguous_values_of(Tracer& tracer, const std::vector<at::Tensor>& tensors) {
  std::vector<const Value*> values = values_of(tracer, tensors);
  for (size_t i = 0; i < values.size(); ++i) {
    if (shape::is_contiguous(values[i]->tensor())) continue;
    values[i] = &tracer.lifting().value_of(at::clone(tracer.lifting().lift(tensors[i]), c10::MemoryFormat::Contiguous));
  }
  return values;
}

std::vector<TensorMeta> metas_of(std::span<const Value* const> values) {
  std::vector<TensorMeta> metas;
  for (const Value* value : values) metas.push_back(value->tensor());
  return metas;
}

std::vector<TensorMeta> results_of(const Graph& subgraph) {
  std::vector<TensorMeta> metas;
  for (const GraphOutput& output : subgraph.outputs()) metas.push_back(output.value->tensor());
  return metas;
}

void add_aliases(Tracer& tracer, const std::vector<at::Tensor>& results, const std::vector<at::Tensor>& operands,
                 const Graph& subgraph) {
  AliasTracking& tracking = tracer.aliases();
  const std::vector<ResultAliases>& all = tracking.of_subgraph(subgraph);
  for (size_t i = 0; i < results.size(); ++i) {
    for (const size_t operand : all[i].operands) tracking.add(results[i], tracer.lifting().lift(operands[operand]));
    for (const at::Tensor& outside : all[i].outside) tracking.add(results[i], tracer.lifting().lift(outside));
    for (const size_t other : all[i].results) {
      if (other < results.size()) tracking.add(results[i], results[other]);
    }
  }
}

void add_aliases_of_runs(Tracer& tracer, const std::vector<at::Tensor>& results,
                         const std::vector<at::Tensor>& operands, const Graph& body) {
  add_aliases(tracer, results, operands, body);
  AliasTracking& tracking = tracer.aliases();
  const std::vector<ResultAliases>& all = tracking.of_subgraph(body);
  for (size_t runs = 1; runs < results.size(); ++runs) {  // more than so many take it no further
    for (size_t i = 0; i < results.size(); ++i) {
      for (const size_t operand : all[i].operands) {
        if (operand < results.size() && operand != i) tracking.add(results[i], results[operand]);
      }
    }
  }
}

void add_captured(Subgraph& subgraph, std::span<const Value* const> all) {
  for (const Value* value : all.subspan(subgraph.captured.size())) {
    const std::string name = "captured_" + std::to_string(subgraph.captured.size());
    subgraph.graph->add_input(GraphInput::Kind::kUser, value->tensor(), name);
    subgraph.captured.push_back(value);
  }
}

namespace {

[[noreturn]] void throw_differ(const TensorMeta& a, const TensorMeta& b, std::string_view what,
                               std::string_view other) {
  throw ShapeError(std::string(what) + " is " + a.str() + ", and " + std::string(other) + " is " + b.str() +
                   "; they must be alike");
}

}  // namespace

void require_same_kind(const TensorMeta& a, const TensorMeta& b, std::string_view what, std::string_view other) {
  if (a.dtype != b.dtype || a.device != b.device || a.dim() != b.dim()) throw_differ(a, b, what, other);
}

void require_same(const TensorMeta& a, const TensorMeta& b, std::string_view what, std::string_view other) {
  require_same_kind(a, b, what, other);
  if (!shape::known_equal(a.sizes, b.sizes)) throw_differ(a, b, what, other);
}

void require_boolean(const TensorMeta& meta, std::string_view what) {
  if (meta.dtype == at::kBool && shape::known_equal(meta.numel(), 1)) return;
  throw ShapeError(std::string(what) + " is " + meta.str() + "; expected a boolean tensor of one element");
}

bool NewSymbols::appear_in(const c10::SymInt& size) const {
  const auto expression = symbolic::expression_of(size);
  if (!expression) return false;
  const auto made = context_.symbols().subspan(first_);
  return std::ranges::any_of(symbolic::symbols_of(*expression), [&](const symbolic::Symbol& symbol) {
    return std::ranges::any_of(made, [&](const symbolic::Symbol& other) { return other.id == symbol.id; });
  });
}

bool NewSymbols::appear_in(const TensorMeta& meta) const {
  return std::ranges::any_of(meta.sizes, [this](const c10::SymInt& size) { return appear_in(size); });
}

}  // namespace tracejet::control_flow
