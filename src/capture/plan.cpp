#include "capture/plan.h"

#include <unordered_map>

namespace tracejet {

namespace {

bool writes_on_its_own(const c10::OperatorHandle& op) {
  return op.schema().is_mutable() && !op.hasKernelForDispatchKey(c10::DispatchKey::Functionalize) &&
         !op.operator_name().name.starts_with("aten::");
}

Plan make_plan(const c10::OperatorHandle& op) {
  Plan plan;
  if (op.operator_name().name.starts_with("profiler::")) {
    plan.action = Plan::Action::kRun;
    return plan;
  }
  // ATen undoes writes to the parts of an unbind with plain sizes. Its decomposition is views again, so it can be
  // early.
  static const c10::OperatorName unbind{"aten::unbind", "int"};
  plan.composite =
      op.hasKernelForDispatchKey(c10::DispatchKey::CompositeImplicitAutograd) || op.operator_name() == unbind;
  plan.mutates = op.schema().is_mutable();
  plan.entry = find_operator(op);
  if (plan.entry != nullptr && plan.entry->decompose != nullptr) {
    plan.action = Plan::Action::kDecompose;
  } else if (plan.entry == nullptr && plan.composite) {
    plan.action = Plan::Action::kExpandComposite;
  } else {
    plan.writes = writes_on_its_own(op);
  }
  return plan;
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
