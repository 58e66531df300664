#include "capture/plan.h"

#include <unordered_map>

namespace tracejet {

namespace {

bool writes_on_its_own(const c10::OperatorHandle& op) {
  return op.schema().is_mutable() && !op.hasKernelForDispatchKey(c10::DispatchKey::Functionalize) &&
         !op.operator_name().name.starts_with("aten::");
}

Plan make_plan(const c10::OperatorHandle& op) {
  if (op.operator_name().name.starts_with("profiler::")) return {Plan::Action::kRun, false, false, nullptr};
  const bool composite = op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd);
  const bool mutates = op.schema().is_mutable();
  const Operator* entry = find_operator(op);
  if (entry != nullptr && entry->decompose != nullptr)
    return {Plan::Action::kDecompose, composite, mutates, false, entry};
  if (entry == nullptr && composite) return {Plan::Action::kExpandComposite, composite, mutates, false, entry};
  return {Plan::Action::kRecord, composite, mutates, writes_on_its_own(op), entry};
}

}  // namespace

bool is_view(const c10::OperatorHandle& op) {
  static const c10::OperatorHandle view = c10::Dispatcher::singleton().findSchemaOrThrow("aten::view", "");
  return op == view;
}

bool is_as_strided(const c10::OperatorHandle& op) {
  static const c10::OperatorHandle as_strided = c10::Dispatcher::singleton().findSchemaOrThrow("aten::as_strided", "");
  return op == as_strided;
}

bool is_as_strided_scatter(const c10::OperatorHandle& op) {
  static const c10::OperatorHandle scatter =
      c10::Dispatcher::singleton().findSchemaOrThrow("aten::as_strided_scatter", "");
  return op == scatter;
}

const Plan& plan_of(const c10::OperatorHandle& op) {
  thread_local std::unordered_map<c10::OperatorHandle, Plan> plans;
  const auto found = plans.find(op);
  return found != plans.end() ? found->second : plans.emplace(op, make_plan(op)).first->second;
}

}  // namespace tracejet
