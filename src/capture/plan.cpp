#include "capture/plan.h"

#include <algorithm>
#include <map>

#include <ATen/core/enum_tag.h>

#include "base/error.h"
#include "capture/held_numbers.h"
#include "ops/operator_names.h"

namespace tracejet {

namespace {

bool writes_on_its_own(const c10::OperatorHandle& op) {
  return op.schema().is_mutable() && !op.hasKernelForDispatchKey(c10::DispatchKey::Functionalize) &&
         !op.operator_name().name.starts_with("aten::");
}

bool gives_tensors(const c10::OperatorHandle& op) {
  const auto& returns = op.schema().returns();
  return returns.empty() || std::ranges::any_of(returns, [](const c10::Argument& result) {
           return result.type()->isSubtypeOf(*c10::TensorType::get()) ||
                  result.type()->kind() == c10::TypeKind::ListType;
         });
}

bool takes_numbers(const c10::OperatorHandle& op) {
  return op.operator_name().name.starts_with("aten::") && !op.hasTag(at::Tag::nondeterministic_seeded) &&
         std::ranges::any_of(op.schema().arguments(), &is_any_number);
}

/// `aten::add.Tensor` for `aten::add_.Tensor`, where both exist and the former has a shape rule.
std::optional<c10::OperatorHandle> out_of_place(const c10::OperatorHandle& op) {
  c10::OperatorName name = op.operator_name();
  if (op.hasTag(at::Tag::inplace_view)) return std::nullopt;  // it changes sizes, and no values
  if (!op.schema().is_mutable() || !name.name.starts_with("aten::") || !name.name.ends_with("_")) return std::nullopt;
  name.name.pop_back();
  const auto found = c10::Dispatcher::singleton().findSchema(name);
  if (!found || found->schema().arguments().size() != op.schema().arguments().size()) return std::nullopt;
  const Operator* entry = find_operator(*found);
  return entry != nullptr && entry->meta != nullptr ? found : std::nullopt;
}

Plan make_plan(const DecompositionTable& table, const c10::OperatorHandle& op) {
  Plan plan;
  plan.action = table.decision(op).action;
  if (plan.action == OpAction::kRun) return plan;
  plan.composite = is_composite(op);
  plan.is_mutable = op.schema().is_mutable();
  plan.takes_numbers = takes_numbers(op);
  plan.needs_auto_functionalize = plan.action == OpAction::kKeep && writes_on_its_own(op);
  plan.out_of_place = out_of_place(op);
  plan.entry = find_operator(op);
  plan.replacement = table.function_for(op);
  plan.otherwise = table.unchanged_decision(op).action;
  plan.is_slow = table.is_slow(op);
  if (op.operator_name().name.starts_with("aten::")) {
    plan.asker = gives_tensors(op) ? Plan::Asker::kPyTorch : Plan::Asker::kWhoeverCalls;
  }
  return plan;
}

}  // namespace

symbolic::Asker asker_in(const Plan& plan) {
  const bool is_by_model = symbolic::may_be_asked_by_model();
  if (plan.asker == Plan::Asker::kPyTorch || !is_by_model) return symbolic::Asker::kPyTorch;
  return plan.asker == Plan::Asker::kWhoeverCalls ? symbolic::Asker::kModel : symbolic::Asker::kCaller;
}

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

const Plan& Plans::of(const c10::OperatorHandle& op) {
  const auto found = plans_.find(op);
  return found != plans_.end() ? found->second : plans_.emplace(op, make_plan(table_, op)).first->second;
}

std::shared_ptr<Plans> plans_for(const DecompositionTable& table) {
  if (table.is_edited()) return std::make_shared<Plans>(table);
  thread_local std::map<DecompositionSet, std::shared_ptr<Plans>> of_sets;
  std::shared_ptr<Plans>& plans = of_sets[table.set()];
  if (plans == nullptr) plans = std::make_shared<Plans>(table);
  return plans;
}

}  // namespace tracejet
