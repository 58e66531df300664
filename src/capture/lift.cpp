// Real tensors that a model meets become inputs of the graph.
#include <ATen/FunctionalTensorWrapper.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/resolve_conj.h>
#include <ATen/ops/resolve_neg.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "base/error.h"
#include "capture/devices.h"
#include "capture/keys.h"
#include "capture/subgraph_scope.h"
#include "capture/tensor_subclass.h"
#include "capture/traced_tensor.h"
#include "capture/tracer.h"

namespace tracejet {

namespace {

/// Stands for a value already, or for a tensor that unwraps itself further down.
bool needs_no_lift(const at::Tensor& tensor) {
  constexpr c10::DispatchKeySet stand_ins =
      c10::DispatchKeySet({kRecordKey, c10::DispatchKey::Functionalize}) | kTransformKeys;
  return !tensor.defined() || tensor.key_set().has_any(stand_ins) || tensor.unsafeGetTensorImpl()->is_wrapped_number();
}

/// Wrapped tensors have the data. A class that switches itself off and then computes with the tensor may have some.
bool is_wrapper(const at::Tensor& tensor) {
  return has_own_dispatch(tensor) && (!tensor.has_storage() || tensor.storage().data() == nullptr);
}

void check_can_lift(const at::Tensor& tensor, const FrontendHooks& hooks) {
  if (is_wrapper(tensor)) {
    const std::string name = hooks.class_of == nullptr ? "class of its own" : hooks.class_of(tensor);
    throw UnsupportedOperator("the model uses a " + name +
                              ", which wraps other tensors, where PyTorch wants a plain one; unwrap it in forward");
  }
  if (tensor.layout() != c10::kStrided || tensor.is_nested() || tensor.is_quantized()) {
    throw UnsupportedOperator("the model uses a tensor of layout " + c10::str(tensor.layout()) +
                              (tensor.is_quantized() ? " with quantized storage" : "") +
                              ", and only dense strided tensors can be traced; convert it with .to_dense() or "
                              ".dequantize() before the trace");
  }
}

TensorMeta meta_of(const at::Tensor& tensor) {
  TensorMeta meta;
  const auto sizes = tensor.sizes();
  const auto strides = tensor.strides();
  meta.sizes.assign(sizes.begin(), sizes.end());
  meta.strides.assign(strides.begin(), strides.end());
  meta.storage_offset = 0;  // of no concern to a program without views
  meta.dtype = tensor.scalar_type();
  meta.device = tensor.device();
  return meta;
}

const void* address(const at::Tensor& tensor) {
  return tensor.has_storage() ? static_cast<const char*>(tensor.storage().data()) +
                                    static_cast<size_t>(tensor.storage_offset()) * tensor.itemsize()
                              : nullptr;
}

bool is_same_tensor(const at::Tensor& a, const at::Tensor& b) {
  if (a.is_same(b)) return true;
  return a.has_storage() && b.has_storage() && a.storage().is_alias_of(b.storage()) && a.numel() > 0 &&
         a.storage_offset() == b.storage_offset() && a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() &&
         a.strides() == b.strides();
}

}  // namespace

void Tracer::announce(GraphInput::Kind kind, std::string name, const at::Tensor& tensor, bool persistent) {
  check_can_lift(tensor, hooks_);
  TensorMeta meta = meta_of(tensor);
  if (device_) meta.device = *device_;
  const Value* value = program()->add_input(kind, std::move(meta), std::move(name), tensor, persistent);
  if (find_announced(tensor) == nullptr) announced_[address(tensor)].emplace_back(tensor, value);
}

void Tracer::set_device(c10::Device device) {
  if (device.is_cuda()) allow_naming_cuda();
  device_ = with_index(device);
}

c10::Device Tracer::device_of(const at::Tensor& tensor) const {
  const Value* announced = needs_no_lift(tensor) ? nullptr : find_announced(tensor);
  return announced == nullptr ? tensor.device() : announced->tensor().device;
}

bool Tracer::is_announced(const at::Tensor& tensor) const {
  return !needs_no_lift(tensor) && find_announced(tensor) != nullptr;
}

void Tracer::add_parameter(std::string name, const at::Tensor& parameter) {
  announce(GraphInput::Kind::kParameter, std::move(name), parameter, /*persistent=*/true);
}

void Tracer::add_buffer(std::string name, const at::Tensor& buffer, bool persistent) {
  announce(GraphInput::Kind::kBuffer, std::move(name), buffer, persistent);
}

const Value* Tracer::find_announced(const at::Tensor& tensor) const {
  // What fake implementations compute with; the model's own tensors have plain sizes.
  if (tensor.unsafeGetTensorImpl()->has_symbolic_sizes_strides()) return nullptr;
  const auto found = announced_.find(address(tensor));
  if (found == announced_.end()) return nullptr;
  for (const auto& [announced, value] : found->second) {
    if (is_same_tensor(announced, tensor)) return value;
  }
  return nullptr;
}

const Value* Tracer::add_constant(const at::Tensor& tensor, std::optional<c10::Device> device) {
  check_can_lift(tensor, hooks_);
  const ExcludeTracingGuard guard;
  const at::Tensor data = at::resolve_neg(at::resolve_conj(tensor.detach()));
  TensorMeta meta = meta_of(data);
  meta.device = device.value_or(meta.device);
  const Value* value = program()->add_input(GraphInput::Kind::kConstant, std::move(meta),
                                            "lifted_tensor_" + std::to_string(constant_count_++), data);
  constants_.add(*value, data);
  return value;
}

Tracer::Lifted& Tracer::find_or_lift(const at::Tensor& tensor) {
  LiftedTensors& known = scopes_[depth_].lifted;
  const auto found = known.find(tensor.unsafeGetTensorImpl());
  if (found != known.end()) return found->second;
  if (depth_ > 0) return bring_in(tensor);
  if (options_.shares_memory) {
    if (Lifted* shared = lift_shared(tensor)) return *shared;
  }
  const Value* value = find_announced(tensor);
  // The same storage under another tensor object (`parameter.data`) shares the stand-in, and so the writes.
  if (value == nullptr) value = add_constant(tensor);
  return add_lifted(tensor, stand_in_of(*value), value);
}

const at::Tensor& Tracer::stand_in_of(const Value& value) {
  const auto [stand_in, is_new] = stand_ins_.try_emplace(&value);
  if (is_new) stand_in->second = make_functional(value);
  return stand_in->second;
}

Tracer::Lifted& Tracer::add_lifted(const at::Tensor& tensor, at::Tensor stand_in, const Value* value) {
  Lifted lifted{tensor, std::move(stand_in), value};
  return scopes_[depth_].lifted.insert_or_assign(tensor.unsafeGetTensorImpl(), std::move(lifted)).first->second;
}

Tracer::Lifted* Tracer::lift_shared(const at::Tensor& tensor) {
  if (!groups_) {
    std::vector<StateTensor> all;
    for (const auto& [address, tensors] : announced_) {
      for (const auto& [real, value] : tensors) all.push_back({real, value});
    }
    groups_ = memory_groups(all);
  }
  MemoryGroup* group = find_group(*groups_, tensor);
  const Value* announced = group == nullptr ? nullptr : find_announced(tensor);
  if (group == nullptr || (announced != nullptr && group->members.size() == 1)) return nullptr;
  const EnableFunctionalizationGuard functionalizing;  // a lift may come from below
  if (!group->flat.defined()) group->flat = flat_memory(*group);
  if (group->whole != nullptr && announced == group->whole->value) {
    return &add_lifted(tensor, stand_in_of(*announced), announced);
  }
  at::Tensor view = view_in(*group, tensor);
  // Where one member shows all of the memory, what the program writes is that one.
  const Value* value = group->whole != nullptr || announced == nullptr ? &current_value(view) : announced;
  return &add_lifted(tensor, std::move(view), value);
}

at::Tensor Tracer::flat_memory(const MemoryGroup& group) {
  if (group.whole != nullptr) {
    const auto& [real, value] = *group.whole;
    return flattened(add_lifted(real, stand_in_of(*value), value).stand_in, real);
  }
  std::vector<at::Tensor> parts;
  uintptr_t end = group.range.begin;
  for (const auto& [real, value] : group.members) {
    const MemoryRange range = memory_range(real);
    if (range.end <= end) continue;
    const auto known = static_cast<int64_t>((end - range.begin) / real.itemsize());
    parts.push_back(flattened(make_functional(*value), real).slice(0, known));
    end = range.end;
  }
  return at::cat(parts);
}

at::Tensor Tracer::lift(const at::Tensor& tensor) {
  if (needs_no_lift(tensor) && !is_from_around(tensor)) return tensor;
  const at::Tensor& stand_in = find_or_lift(tensor).stand_in;
  // Below functionalization, kernels expect what functional tensors wrap.
  if (c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::Functionalize)) {
    return make_traced(current_value(stand_in));
  }
  return stand_in;
}

at::Tensor Tracer::lift_fresh(const at::Tensor& tensor, std::optional<c10::Device> device) {
  if (needs_no_lift(tensor)) return tensor;
  const Value& value = capture_from_program(*add_constant(tensor, device));
  if (c10::impl::tls_is_dispatch_key_excluded(c10::DispatchKey::Functionalize)) return make_traced(value);
  return make_functional(value);
}

}  // namespace tracejet
