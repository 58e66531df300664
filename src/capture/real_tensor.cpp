#include "capture/real_tensor.h"

#include "base/error.h"
#include "capture/keys.h"
#include "capture/tensor_subclass.h"

namespace tracejet {

namespace {

/// Wrapped tensors have the data. A class that switches itself off and then computes with the tensor may have some.
bool is_wrapper(const at::Tensor& tensor) {
  return has_own_dispatch(tensor) && (!tensor.has_storage() || tensor.storage().data() == nullptr);
}

}  // namespace

bool needs_no_lift(const at::Tensor& tensor) {
  constexpr c10::DispatchKeySet stand_ins =
      c10::DispatchKeySet({kRecordKey, c10::DispatchKey::Functionalize}) | kTransformKeys;
  return !tensor.defined() || tensor.key_set().has_any(stand_ins) || tensor.unsafeGetTensorImpl()->is_wrapped_number();
}

void check_can_lift(const at::Tensor& tensor, const FrontendHooks& hooks) {
  if (is_wrapper(tensor)) {
    const std::string name = hooks.class_of == nullptr ? "class of its own" : hooks.class_of(tensor);
    throw UnsupportedOperator("the model uses a " + name +
                                  ", which wraps other tensors, where PyTorch wants a plain one; unwrap it in forward",
                              ErrorCode::kTensorLayout);
  }
  if (tensor.layout() != c10::kStrided || tensor.is_nested() || tensor.is_quantized()) {
    throw UnsupportedOperator("the model uses a tensor of layout " + c10::str(tensor.layout()) +
                                  (tensor.is_quantized() ? " with quantized storage" : "") +
                                  ", and only dense strided tensors can be traced; convert it with .to_dense() or "
                                  ".dequantize() before the trace",
                              ErrorCode::kTensorLayout);
  }
}

TensorMeta meta_of_real(const at::Tensor& tensor) {
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

}  // namespace tracejet
