#include "capture/plan.h"

#include <unordered_map>

namespace tracejet {

namespace {

Plan make_plan(const c10::OperatorHandle& op) {
  const bool composite = op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd);
  const Operator* entry = find_operator(op);
  if (entry != nullptr && entry->decompose != nullptr) return {Plan::Action::kDecompose, composite, entry};
  if (entry == nullptr && composite) return {Plan::Action::kExpandComposite, composite, entry};
  return {Plan::Action::kRecord, composite, entry};
}

}  // namespace

const Plan& plan_of(const c10::OperatorHandle& op) {
  thread_local std::unordered_map<c10::OperatorHandle, Plan> plans;
  const auto found = plans.find(op);
  return found != plans.end() ? found->second : plans.emplace(op, make_plan(op)).first->second;
}

}  // namespace tracejet
