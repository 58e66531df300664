#include "bindings/fx_values.h"

#include <ATen/core/Tensor.h>
#include <c10/core/CPUAllocator.h>

#include "ir/size_expression.h"
#include "symbolic/sym_node.h"

namespace tracejet::python {

namespace {

/// How many bytes a tensor's storage spans. Never asks whether a symbolic axis is empty: nobody listens to guards any
/// more, and an empty contiguous tensor comes out as 0 all the same.
c10::SymInt storage_bytes(const TensorMeta& meta) {
  if (symbolic::is_known_empty(meta.sizes)) return 0;
  c10::SymInt elements = meta.storage_offset + 1;
  for (size_t axis = 0; axis < meta.sizes.size(); ++axis) elements += (meta.sizes[axis] - 1) * meta.strides[axis];
  return elements * static_cast<int64_t>(c10::elementSize(meta.dtype));
}

}  // namespace

py::object FxValues::number(const symbolic::Expression& expression) {
  if (expression.is_constant()) {
    if (expression.is_float()) return py::float_(expression.real());
    if (expression.is_bool()) return py::bool_(expression.truth());
    return py::int_(expression.constant());
  }
  py::object& cached = numbers_[expression];
  if (!cached) cached = symbolic_number_(expression);
  return cached;
}

py::object FxValues::size(const c10::SymInt& size) {
  if (const auto known = size.maybe_as_int()) return py::int_(*known);
  return number(expression_of(size));
}

c10::SymInt FxValues::translated(const c10::SymInt& size) {
  if (const auto known = size.maybe_as_int()) return *known;
  const symbolic::Expression expression = expression_of(size);
  auto found = translated_.find(expression);
  if (found == translated_.end()) {
    found = translated_.emplace(expression, py::cast<c10::SymInt>(number(expression))).first;
  }
  return found->second;
}

Sizes FxValues::translated(const Sizes& sizes) {
  Sizes result;
  for (const c10::SymInt& size : sizes) result.push_back(translated(size));
  return result;
}

// Neither at::empty_strided, which is a trip through the dispatcher, nor its symbolic sibling, which computes the size
// of the storage in Python for every tensor anew.
at::Tensor FxValues::meta_tensor(const TensorMeta& meta) {
  c10::Allocator* allocator = c10::GetAllocator(c10::kMeta);
  auto storage =
      c10::make_intrusive<c10::StorageImpl>(c10::StorageImpl::use_byte_size_t(), translated(storage_bytes(meta)),
                                            allocator->allocate(0), allocator, /*resizable=*/true);
  at::Tensor tensor = at::detail::make_tensor<c10::TensorImpl>(
      std::move(storage), c10::DispatchKeySet(c10::DispatchKey::Meta), c10::scalarTypeToTypeMeta(meta.dtype));
  tensor.unsafeGetTensorImpl()->set_sizes_and_strides(translated(meta.sizes), translated(meta.strides),
                                                      translated(meta.storage_offset));
  return tensor;
}

py::object FxValues::device(c10::Device device) {
  py::object& cached = devices_[device];
  if (!cached) cached = py::cast(device);
  return cached;
}

py::object FxValues::tensor(const TensorMeta& meta, bool requires_grad) {
  return fake_tensor_(meta_tensor(meta), device(meta.device), requires_grad);
}

}  // namespace tracejet::python
