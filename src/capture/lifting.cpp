// Tensors from outside become inputs of the graph at hand.
#include "capture/lifting.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/clone.h>
#include <ATen/ops/resolve_conj.h>
#include <ATen/ops/resolve_neg.h>

#include "capture/functionalization.h"
#include "capture/keys.h"
#include "capture/real_tensor.h"

namespace tracejet {

namespace {

/// Memory that is somebody else's, which `at::from_blob` was told nothing of, may be gone when the program runs.
at::Tensor owned(const at::Tensor& data) {
  const bool is_borrowed =
      data.has_storage() && data.storage().nbytes() > 0 && data.storage().data_ptr().get_context() == nullptr;
  return is_borrowed ? data.clone() : data;
}

}  // namespace

at::Tensor Lifting::lift(const at::Tensor& tensor) {
  if (needs_no_lift(tensor) && !scopes_.is_from_around(tensor)) return tensor;
  const at::Tensor& stand_in = find_or_lift(tensor).stand_in;
  if (is_below_functionalization()) return scopes_.make_traced(scopes_.current_value(stand_in));
  return stand_in;
}

at::Tensor Lifting::lift_fresh(const at::Tensor& tensor, std::optional<c10::Device> device) {
  if (needs_no_lift(tensor)) return tensor;
  const Value& value = capture_from_program(*add_constant(tensor, device));
  return is_below_functionalization() ? scopes_.make_traced(value) : scopes_.make_functional(value);
}

const Value* Lifting::add_constant(const at::Tensor& tensor, std::optional<c10::Device> device) {
  check_can_lift(tensor, hooks_);
  const ExcludeTracingGuard guard;
  const at::Tensor data = owned(at::resolve_neg(at::resolve_conj(tensor.detach())));
  TensorMeta meta = meta_of_real(data);
  meta.device = device.value_or(meta.device);
  const Value* value = scopes_.program().graph->add_input(GraphInput::Kind::kConstant, std::move(meta),
                                                          "lifted_tensor_" + std::to_string(constant_count_++), data);
  constants_.add(*value, data);
  return value;
}

Lifted& Lifting::find_or_lift(const at::Tensor& tensor) {
  auto& known = scopes_.at_hand().lifted;
  const auto found = known.find(tensor.unsafeGetTensorImpl());
  if (found != known.end()) return found->second;
  if (scopes_.in_subgraph()) return bring_in(tensor);
  if (shares_memory_) {
    if (Lifted* shared = lift_shared(tensor)) return *shared;
  }
  const Value* value = state_.find(tensor);
  // The same storage under another tensor object (`parameter.data`) shares the stand-in, and so the writes.
  if (value == nullptr) value = add_constant(tensor);
  return scopes_.at_hand().add_lifted(tensor, stand_in_of(*value), value);
}

const at::Tensor& Lifting::stand_in_of(const Value& value) {
  const auto [stand_in, is_new] = stand_ins_.try_emplace(&value);
  if (is_new) stand_in->second = scopes_.make_functional(value);
  return stand_in->second;
}

Lifted* Lifting::lift_shared(const at::Tensor& tensor) {
  if (!groups_) groups_ = memory_groups(state_.tensors());
  MemoryGroup* group = find_group(*groups_, tensor);
  const Value* announced = group == nullptr ? nullptr : state_.find(tensor);
  if (group == nullptr || (announced != nullptr && group->members.size() == 1)) return nullptr;
  const EnableFunctionalizationGuard functionalizing;  // a lift may come from below
  if (!group->flat.defined()) group->flat = flat_memory(*group);
  if (announced != nullptr && group->whole != nullptr && announced == group->whole->value) {
    return &scopes_.at_hand().add_lifted(tensor, stand_in_of(*announced), announced);
  }
  at::Tensor view = view_in(*group, tensor);
  // Where one member shows all of the memory, what the program writes is that one.
  const Value* value = group->whole != nullptr || announced == nullptr ? &scopes_.current_value(view) : announced;
  return &scopes_.at_hand().add_lifted(tensor, std::move(view), value);
}

at::Tensor Lifting::flat_memory(const MemoryGroup& group) {
  if (group.whole != nullptr) {
    const auto& [real, value] = *group.whole;
    return flattened(scopes_.at_hand().add_lifted(real, stand_in_of(*value), value).stand_in, real);
  }
  std::vector<at::Tensor> parts;
  uintptr_t end = group.range.begin;
  for (const auto& [real, value] : group.members) {
    const MemoryRange range = memory_range(real);
    if (range.end <= end) continue;
    const auto known = static_cast<int64_t>((end - range.begin) / real.itemsize());
    parts.push_back(flattened(scopes_.make_functional(*value), real).slice(0, known));
    end = range.end;
  }
  return at::cat(parts);
}

Lifted& Lifting::bring_in(const at::Tensor& tensor) {
  const Value* outer = nullptr;
  {
    const ParentScope around(scopes_);  // where writes that are still to be applied to it belong
    outer = &value_of(tensor);
  }
  const Value& value = capture(*outer);
  return scopes_.at_hand().add_lifted(tensor, scopes_.make_functional(value), &value);
}

const Value& Lifting::capture(const Value& outer) {
  Scope& scope = scopes_.at_hand();
  const auto [found, is_new] = scope.inputs.try_emplace(&outer, nullptr);
  if (is_new) {
    const std::string name = "captured_" + std::to_string(scope.captured.size());
    found->second = scope.graph->add_input(GraphInput::Kind::kUser, outer.tensor(), name);
    scope.captured.push_back(&outer);
    if (const auto data = constants_.of(outer)) constants_.add(*found->second, *data);
  }
  return *found->second;
}

const Value& Lifting::capture_from_program(const Value& value) {
  if (!scopes_.in_subgraph()) return value;
  const Value* outer = nullptr;
  {
    const ParentScope around(scopes_);
    outer = &capture_from_program(value);
  }
  return capture(*outer);
}

}  // namespace tracejet
