#include "capture/traced_tensor.h"

#include "capture/keys.h"
#include "support/error.h"

namespace tracejet {

namespace {

c10::DispatchKeySet keys_of(const TensorMeta& meta) {
  return c10::DispatchKeySet(kRecordKey) |
         c10::DispatchKeySet(c10::computeDispatchKey(meta.dtype, c10::kStrided, meta.device));
}

c10::DimVector concrete(const Sizes& sizes) {
  c10::DimVector result;
  for (const c10::SymInt& size : sizes) result.push_back(size.expect_int());
  return result;
}

}  // namespace

TracedTensor::TracedTensor(std::shared_ptr<Graph> graph, const Value& value)
    : TensorImpl(keys_of(value.tensor()), c10::scalarTypeToTypeMeta(value.tensor().dtype), value.tensor().device),
      graph_(std::move(graph)),
      value_(value) {
  const TensorMeta& meta = value.tensor();
  if (meta.is_symbolic()) {
    set_sizes_and_strides(meta.sizes, meta.strides, meta.storage_offset);
  } else {
    set_sizes_and_strides(concrete(meta.sizes), concrete(meta.strides), meta.storage_offset.expect_int());
  }
  // With PyTorch's own message: one of ours would be copied into functional tensors, whose sizes could then never turn
  // from plain numbers to symbolic ones.
  set_storage_access_should_throw();
}

c10::intrusive_ptr<c10::TensorImpl> TracedTensor::shallow_copy_and_detach(const c10::VariableVersion& version,
                                                                          bool allow_metadata_change) const {
  auto copy = c10::make_intrusive<TracedTensor>(graph_, value_);
  copy->set_version_counter(version);
  copy->set_allow_tensor_metadata_change(allow_metadata_change);
  return copy;
}

c10::intrusive_ptr<c10::TensorImpl> TracedTensor::shallow_copy_and_detach(c10::VariableVersion&& version,
                                                                          bool allow_metadata_change) const {
  auto copy = c10::make_intrusive<TracedTensor>(graph_, value_);
  copy->set_version_counter(std::move(version));
  copy->set_allow_tensor_metadata_change(allow_metadata_change);
  return copy;
}

namespace {

[[noreturn]] void throw_needs_plain_numbers(const Value& value) {
  throw UnsupportedOperator("its implementation in ATen takes sizes as plain numbers, and gets " +
                            value.tensor().str() + ": make these axes static, or write it with other operators");
}

}  // namespace

c10::IntArrayRef TracedTensor::sizes_custom() const { throw_needs_plain_numbers(value_); }

c10::IntArrayRef TracedTensor::strides_custom() const { throw_needs_plain_numbers(value_); }

int64_t TracedTensor::numel_custom() const { throw_needs_plain_numbers(value_); }

const TracedTensor* as_traced(const at::Tensor& tensor) {
  if (!tensor.defined() || !tensor.key_set().has(kRecordKey)) return nullptr;
  return dynamic_cast<const TracedTensor*>(tensor.unsafeGetTensorImpl());
}

void forbid_data_access(const at::Tensor& functional) {
  if (!functional.defined() || !functional.key_set().has(c10::DispatchKey::Functionalize)) return;
  // Only writable access, which NumPy and data_ptr() ask for: functional tensors look at the pointer themselves.
  functional.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl()->set_throw_on_mutable_data_ptr();
}

}  // namespace tracejet
