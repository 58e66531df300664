#include "capture/scopes.h"

#include <ATen/FunctionalTensorWrapper.h>

#include "base/error.h"
#include "capture/traced_tensor.h"

namespace tracejet {

namespace functionalization = at::functionalization;

Lifted& Scope::add_lifted(const at::Tensor& tensor, at::Tensor stand_in, const Value* value) {
  Lifted entry{tensor, std::move(stand_in), value};
  return lifted.insert_or_assign(tensor.unsafeGetTensorImpl(), std::move(entry)).first->second;
}

Scopes::Scopes(std::shared_ptr<Graph> program) { scopes_.emplace_back(std::move(program), 0); }

at::Tensor Scopes::make_traced(const Value& value) const {
  return at::Tensor(c10::make_intrusive<TracedTensor>(graph(), value));
}

at::Tensor Scopes::make_functional(const Value& value) const {
  at::Tensor functional = functionalization::impl::to_functional_tensor(make_traced(value));
  forbid_data_access(functional);
  return functional;
}

const Value& Scopes::current_value(const at::Tensor& tensor) const {
  const TracedTensor* traced = as_traced(tensor);
  at::Tensor inner;
  if (traced == nullptr) {
    functionalization::impl::sync(tensor);
    inner = functionalization::impl::from_functional_tensor(tensor);
    traced = as_traced(inner);
  }
  if (traced == nullptr)
    throw Error("a functional tensor that no trace of ours made takes part in the call", ErrorCode::kForeignTrace);
  if (traced->graph() != graph()) throw_of_another_graph(*traced->graph());
  return traced->value();
}

bool Scopes::is_from_around(const at::Tensor& tensor) const {
  if (!in_subgraph() || !tensor.defined() || !tensor.key_set().has(c10::DispatchKey::Functionalize)) return false;
  const TracedTensor* traced = as_traced(functionalization::impl::from_functional_tensor(tensor));
  return traced != nullptr && traced->graph() != graph();
}

void Scopes::throw_of_another_graph(const Graph& other) const {
  if (&other.shapes() == &shapes()) {
    throw UnsupportedOperator(
        "a tensor that was computed inside of a branch or loop body of control flow is used outside of it; return it "
        "from there",
        ErrorCode::kControlFlow);
  }
  throw Error("a tensor of another trace has leaked into this one: a module, a global or a cache kept it",
              ErrorCode::kForeignTrace);
}

SubgraphScope::SubgraphScope(Scopes& scopes) : scopes_(scopes) {
  scopes.subgraphs_.push_back(scopes.graph()->make_subgraph());
  scopes.scopes_.emplace_back(scopes.subgraphs_.back(), scopes.at_hand_);
  scopes.at_hand_ = scopes.scopes_.size() - 1;
}

SubgraphScope::~SubgraphScope() {
  scopes_.at_hand_ = scopes_.scopes_.back().around;
  scopes_.scopes_.pop_back();
}

}  // namespace tracejet
