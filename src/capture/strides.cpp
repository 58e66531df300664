// Writes in place give new tensors here, whose strides may differ from those that eager's tensor has kept. Views of
// them are right all the same, but for as_strided, which counts elements in memory.
#include "capture/strides.h"

#include <algorithm>

#include "base/error.h"
#include "capture/functionalization.h"
#include "capture/plan.h"
#include "capture/tensor_arguments.h"
#include "ops/shape/shape.h"

namespace tracejet {

namespace {

/// The size, stride and offset of a call, which are its last three arguments.
std::string text_of(const torch::jit::Stack& stack) {
  const auto sizes = torch::jit::peek(stack, 0, 3).toSymIntVector();
  const auto strides = torch::jit::peek(stack, 1, 3).toSymIntVector();
  const c10::IValue& offset = torch::jit::peek(stack, 2, 3);
  const std::string at =
      offset.isNone() ? "" : shape::text({offset.isInt() ? c10::SymInt(offset.toInt()) : offset.toSymInt()});
  return shape::text(sizes) + shape::text(strides) + at;
}

Sizes strides_of(const at::Tensor& tensor) {
  const auto strides = tensor.sym_strides();
  return Sizes(strides.begin(), strides.end());
}

bool is_functional(const at::Tensor& tensor) { return tensor.key_set().has(c10::DispatchKey::Functionalize); }

/// What a functional tensor and its views show parts of.
at::functionalization::FunctionalStorageImpl* memory_of(const at::Tensor& functional) {
  const c10::Storage& storage = functional.unsafeGetTensorImpl()->unsafe_storage();
  return static_cast<at::functionalization::FunctionalStorageImpl*>(storage.unsafeGetStorageImpl());
}

[[noreturn]] void refuse() {
  throw UnsupportedOperator(
      "takes elements by where they are in memory, of a tensor that is written to in place, and a program has no "
      "memory to write to; clone the tensor in between, or use slices",
      ErrorCode::kInPlaceWrite);
}

/// Whether the memory that it shows lies as it does in eager.
bool has_eagers_strides(const StrideTracking& strides, const at::Tensor& functional) {
  if (is_unwritten(functional)) return true;
  at::functionalization::impl::sync(functional);
  const Sizes* eagers = strides.pre_mutation_strides(functional);
  return eagers != nullptr && shape::known_equal(strides_of(memory_of(functional)->base()), *eagers);
}

}  // namespace

void check_layout_is_eagers(const StrideTracking& strides, const at::Tensor& functional) {
  if (!is_functional(functional) || has_eagers_strides(strides, functional)) return;
  throw UnsupportedOperator(
      "the model asks how a tensor lies in memory that it has written to in place, and a program has no memory to "
      "write to; ask before the write, or of a clone",
      ErrorCode::kInPlaceWrite);
}

void note_writes(StrideTracking& strides, const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  for_each_written(op, stack, [&](const at::Tensor& tensor) {
    if (is_functional(tensor) && is_unwritten(tensor)) {
      strides.set_pre_mutation_strides(tensor, strides_of(memory_of(tensor)->base()));
    }
  });
}

ViewStrideGuard::ViewStrideGuard(StrideTracking& strides, const c10::OperatorHandle& op, const torch::jit::Stack& stack)
    : strides_(strides), before_(strides.view_strides_verified()) {
  const bool by_strides = is_as_strided(op);
  if (!by_strides && !is_view(op)) return;
  const at::Tensor& self = torch::jit::peek(stack, 0, op.schema().arguments().size()).toTensor();
  // What functionalization wraps comes here, too, on behalf of the same call.
  if (!is_functional(self)) return;
  strides.set_view_strides_verified(is_unwritten(self));
  if (!by_strides) return;
  if (!has_eagers_strides(strides, self)) refuse();
  strides.set_as_strided_base_strides(text_of(stack), strides_of(self));
}

ViewStrideGuard::~ViewStrideGuard() { strides_.set_view_strides_verified(before_); }

void check_as_strided_base(const StrideTracking& strides, const c10::OperatorHandle& op,
                           const torch::jit::Stack& stack) {
  if (strides.view_strides_verified()) return;
  const Sizes* expected = strides.as_strided_base_strides(text_of(stack));
  if (expected == nullptr) return;  // not the model's: a decomposition's own
  const at::Tensor& self = torch::jit::peek(stack, 0, op.schema().arguments().size()).toTensor();
  if (!shape::known_equal(strides_of(self), *expected)) refuse();
}

const Sizes* StrideTracking::pre_mutation_strides(const at::Tensor& functional) const {
  const auto found =
      pre_mutation_strides_.find(functional.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl());
  return found == pre_mutation_strides_.end() ? nullptr : &found->second.second;
}

void StrideTracking::set_pre_mutation_strides(const at::Tensor& functional, Sizes strides) {
  const c10::Storage& storage = functional.unsafeGetTensorImpl()->unsafe_storage();
  pre_mutation_strides_.insert_or_assign(storage.unsafeGetStorageImpl(), std::pair(storage, std::move(strides)));
}

const Sizes* StrideTracking::as_strided_base_strides(const std::string& as_strided) const {
  const auto found = as_strided_base_strides_.find(as_strided);
  return found == as_strided_base_strides_.end() ? nullptr : &found->second;
}

void StrideTracking::set_as_strided_base_strides(const std::string& as_strided, Sizes strides) {
  const auto [known, is_new] = as_strided_base_strides_.try_emplace(as_strided, strides);
  if (!is_new && !shape::known_equal(known->second, strides)) known->second.clear();
}

}  // namespace tracejet
