// What a trace does with each operator.
// PyTorch: torch/_decomp/__init__.py (core_aten_decompositions). Torch-TensorRT:
// py/torch_tensorrt/dynamo/lowering/_decomposition_groups.py (torch_enabled_decompositions).
#include <algorithm>
#include <map>

#include <ATen/core/enum_tag.h>

#include "base/error.h"
#include "ir/schema.h"
#include "ops/attention/attention.h"
#include "ops/operator.h"
#include "ops/operator_names.h"
#include <tracejet/decompositions.h>

namespace tracejet {

namespace {

bool gives_tensors_alone(const c10::OperatorHandle& op) {
  return std::ranges::all_of(op.schema().returns(), [](const c10::Argument& result) {
    const c10::TypeKind kind = result.type()->kind();
    return kind == c10::TypeKind::TensorType ||
           (kind == c10::TypeKind::ListType &&
            result.type()->castRaw<c10::ListType>()->getElementType()->kind() == c10::TypeKind::TensorType);
  });
}

/// A composite operator that may give an argument or a view of it, or write to one, without saying so. Only what it
/// consists of says which. Others know no better: PyTorch's exporter expands these too.
bool is_opaque_to_functionalization(const c10::OperatorHandle& op) {
  if (!is_composite(op)) return false;
  if (op.operator_name().name.ends_with("_batch_norm")) return true;
  const auto& arguments = op.schema().arguments();
  const bool aliases = std::ranges::any_of(arguments, [](const auto& a) { return a.alias_info() != nullptr; });
  return aliases || op.hasTag(at::Tag::maybe_aliasing_or_mutating) || !gives_tensors_alone(op);
}

bool is_aten(const c10::OperatorHandle& op) { return op.operator_name().name.starts_with("aten::"); }

bool has_decomposition(const Operator* entry) { return entry != nullptr && entry->decompose != nullptr; }

OpAction expansion_of(const c10::OperatorHandle& op) {
  return has_decomposition(find_operator(op)) ? OpAction::kExpand : OpAction::kExpandComposite;
}

std::string_view kind_of_expansion(OpAction action) {
  return action == OpAction::kExpand ? "by its decomposition in C++" : "ATen makes it of other operators";
}

/// The operator of that name, which a trace can meet.
c10::OperatorHandle checked(std::string_view name) {
  const c10::OperatorHandle op = operator_named(name);
  if (op.schema().is_mutable() && is_aten(op)) {
    throw InvalidInput(
        "decompositions: " + std::string(name) +
            " writes to its arguments, and programs are functional: it is traced as the operator without "
            "the write, so change that one",
        ErrorCode::kDecompositionTable);
  }
  return op;
}

Decision decide(DecompositionSet set, const c10::OperatorHandle& op) {
  if (op.operator_name().name.starts_with("profiler::")) return {OpAction::kRun, "a mark for a profiler"};
  const Operator* entry = find_operator(op);
  const bool composite = is_composite(op), decomposable = has_decomposition(entry);
  const auto expanded = [&](std::string_view why = {}) -> Decision {
    const OpAction action = expansion_of(op);
    return {action, why.empty() ? kind_of_expansion(action) : why};
  };
  const auto kept = [](std::string_view why) -> Decision { return {OpAction::kKeep, why}; };
  switch (set) {
    case DecompositionSet::kTensorRT:
      if (decomposable && !entry->kept_by_default) return expanded();
      if (composite && entry == nullptr) return expanded();
      return kept(decomposable || composite ? "engines run it whole" : "no decomposition is needed");
    case DecompositionSet::kCoreAten:
      if (entry != nullptr && op.hasTag(at::Tag::core)) return kept("part of Core ATen");
      if (!is_aten(op) && !composite) return kept("an operator of another library");
      if (decomposable || composite) return expanded();
      return kept("no decomposition is known");
    case DecompositionSet::kNone:
      if (is_opaque_to_functionalization(op)) return expanded("it may give a view of an argument, or write to it");
      if (decomposable && !gives_tensors_alone(op)) return expanded("it gives numbers that no node can give");
      return kept("as the model calls it");
  }
  throw Error("no such set of decompositions", ErrorCode::kInternalError);
}

std::string_view name_of(DecompositionSet set) {
  switch (set) {
    case DecompositionSet::kTensorRT:
      return "tensorrt";
    case DecompositionSet::kCoreAten:
      return "core_aten";
    case DecompositionSet::kNone:
      return "none";
  }
  throw Error("no such set of decompositions", ErrorCode::kInternalError);
}

}  // namespace

std::string_view Decision::str() const {
  switch (action) {
    case OpAction::kKeep:
      return "kept";
    case OpAction::kExpand:
      return "expanded in C++";
    case OpAction::kExpandComposite:
      return "expanded by ATen";
    case OpAction::kReplace:
      return "replaced";
    case OpAction::kRun:
      return "run while tracing";
  }
  throw Error("no such action", ErrorCode::kInternalError);
}

DecompositionTable& DecompositionTable::change(const c10::OperatorHandle& op, Change change) {
  changes_.insert_or_assign(op.operator_name(), std::move(change));
  return *this;
}

DecompositionTable& DecompositionTable::keep(std::string_view name) {
  const c10::OperatorHandle op = checked(name);
  if (is_opaque_to_functionalization(op)) {
    throw InvalidInput(
        "decompositions: " + std::string(name) +
            " can't be kept: it may give a view of an argument, write to it, or give no tensor, and only "
            "what ATen makes it of says which",
        ErrorCode::kDecompositionTable);
  }
  return change(op, {OpAction::kKeep, "as asked for by keep()", {}});
}

DecompositionTable& DecompositionTable::expand(std::string_view name) {
  const c10::OperatorHandle op = checked(name);
  if (!can_expand(name)) {
    throw InvalidInput("decompositions: nothing is known that " + std::string(name) +
                           " could be expanded into: replace() it by a function of yours",
                       ErrorCode::kDecompositionTable);
  }
  const OpAction action = expansion_of(op);
  return change(op, {action, "as asked for by expand(): " + std::string(kind_of_expansion(action)), {}});
}

DecompositionTable& DecompositionTable::replace_boxed(std::string_view name, Function function, std::string why,
                                                      bool is_slow) {
  return change(checked(name), {OpAction::kReplace, std::move(why), std::move(function), is_slow});
}

DecompositionTable& DecompositionTable::expand_attention(bool use_fp32_acc) {
  for (const auto& [name, decompose] : attention_in_16_bits()) {
    if (use_fp32_acc) {
      expand(name);
      continue;
    }
    const auto in_16_bits = [decompose](const c10::OperatorHandle& op, torch::jit::Stack& stack) {
      decompose(op, &stack);
      return true;
    };
    replace_boxed(name, in_16_bits, "as asked for by expand_attention(): in the dtype of its inputs");
  }
  return expand("aten::_scaled_dot_product_attention_math");
}

Decision DecompositionTable::decision(const c10::OperatorHandle& op) const {
  const auto changed = changes_.find(op.operator_name());
  if (changed != changes_.end()) return {changed->second.action, changed->second.why};
  return unchanged_decision(op);
}

Decision DecompositionTable::unchanged_decision(const c10::OperatorHandle& op) const { return decide(set_, op); }

Decision DecompositionTable::decision(std::string_view op) const { return decision(operator_named(op)); }

bool DecompositionTable::can_expand(std::string_view name) {
  const c10::OperatorHandle op = operator_named(name);
  return is_composite(op) || has_decomposition(find_operator(op));
}

std::vector<c10::OperatorHandle> DecompositionTable::operators() const {
  std::map<std::string, c10::OperatorHandle> sorted;
  for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
    const auto op = c10::Dispatcher::singleton().findSchema(name);
    if (!op || op->schema().is_mutable()) continue;
    const bool is_known = find_operator(*op) != nullptr || is_composite(*op) || changes_.contains(name);
    if (is_known && (is_aten(*op) || find_operator(*op) != nullptr || changes_.contains(name))) {
      sorted.emplace(c10::toString(name), *op);
    }
  }
  std::vector<c10::OperatorHandle> operators;
  for (const auto& [name, op] : sorted) operators.push_back(op);
  return operators;
}

std::string DecompositionTable::str() const {
  size_t width = 0;
  const std::vector<c10::OperatorHandle> all = operators();
  for (const auto& op : all) width = std::max(width, full_name(op).size());
  std::string text = "Decompositions \"" + std::string(name_of(set_)) + "\", " + std::to_string(changes_.size()) +
                     " operators changed; operators that aren't listed are kept\n";
  for (const auto& op : all) {
    const Decision what = decision(op);
    std::string name = full_name(op);
    name.resize(width, ' ');
    std::string action(what.str());
    action.resize(std::string_view("expanded by ATen").size(), ' ');
    text += name + "  " + action + "  " + std::string(what.why) + "\n";
  }
  return text;
}

const DecompositionTable::Function* DecompositionTable::function_for(const c10::OperatorHandle& op) const {
  const auto changed = changes_.find(op.operator_name());
  return changed == changes_.end() || !changed->second.function ? nullptr : &changed->second.function;
}

bool DecompositionTable::is_slow(const c10::OperatorHandle& op) const {
  const auto changed = changes_.find(op.operator_name());
  return changed != changes_.end() && changed->second.is_slow;
}

void DecompositionTable::check_signature(std::string_view name, const c10::FunctionSchema& signature) {
  const c10::OperatorHandle op = checked(name);
  if (const auto difference = c10::findSchemaDifferences(signature, op.schema())) {
    throw InvalidInput("decompositions: the function for " + std::string(name) +
                           " has another signature: " + *difference + "\n  expected " + c10::toString(op.schema()),
                       ErrorCode::kDecompositionTable);
  }
}

}  // namespace tracejet
