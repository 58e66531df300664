// Real tensors that a model meets become inputs of the graph.
#include <ATen/FunctionalTensorWrapper.h>
#include <ATen/ops/resolve_conj.h>
#include <ATen/ops/resolve_neg.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "capture/devices.h"
#include "capture/keys.h"
#include "capture/tensor_subclass.h"
#include "capture/traced_tensor.h"
#include "capture/tracer.h"
#include "support/error.h"

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
  const Untraced guard;
  const at::Tensor data = at::resolve_neg(at::resolve_conj(tensor.detach()));
  TensorMeta meta = meta_of(data);
  meta.device = device.value_or(meta.device);
  const Value* value = program()->add_input(GraphInput::Kind::kConstant, std::move(meta),
                                            "lifted_tensor_" + std::to_string(constant_count_++), data);
  constants_.emplace(value, data);
  return value;
}

Tracer::Lifted& Tracer::find_or_lift(const at::Tensor& tensor) {
  LiftedTensors& known = scopes_[depth_].lifted;
  const auto found = known.find(tensor.unsafeGetTensorImpl());
  if (found != known.end()) return found->second;
  if (depth_ > 0) return bring_in(tensor);
  const Value* value = find_announced(tensor);
  // The same storage under another tensor object (`parameter.data`) shares the stand-in, and so the writes.
  if (value == nullptr) value = add_constant(tensor);
  const auto [shared, is_new] = stand_in_of_.try_emplace(value);
  if (is_new) shared->second = make_functional(*value);
  return known.emplace(tensor.unsafeGetTensorImpl(), Lifted{tensor, shared->second, value}).first->second;
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
