// Writes in place give new tensors here, whose strides may differ from those that eager's tensor has kept. Views of
// them are right all the same, but for as_strided, which counts elements in memory.
#include "capture/strides.h"

#include <algorithm>

#include <ATen/FunctionalTensorWrapper.h>

#include "capture/plan.h"
#include "ops/shape.h"
#include "support/error.h"

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

bool is_unwritten(const at::Tensor& functional) {
  return at::functionalization::impl::unsafeGetFunctionalWrapper(functional)->mutation_counter() == 0;
}

[[noreturn]] void refuse() {
  throw UnsupportedOperator(
      "takes elements by where they are in memory, of a tensor that is written to in place, and a program has no "
      "memory to write to; clone the tensor in between, or use slices");
}

}  // namespace

ViewByModel::ViewByModel(Tracer& tracer, const c10::OperatorHandle& op, const torch::jit::Stack& stack)
    : tracer_(tracer), before_(tracer.strides_are_eagers()) {
  const bool by_strides = is_as_strided(op);
  if (!by_strides && !is_view(op)) return;
  const at::Tensor& self = torch::jit::peek(stack, 0, op.schema().arguments().size()).toTensor();
  // What functionalization wraps comes here, too, on behalf of the same call.
  if (!is_functional(self)) return;
  tracer.set_strides_are_eagers(is_unwritten(self));
  if (!by_strides) return;
  if (!is_unwritten(self)) refuse();
  tracer.set_strides_below(text_of(stack), strides_of(self));
}

ViewByModel::~ViewByModel() { tracer_.set_strides_are_eagers(before_); }

void check_strides_below(const Tracer& tracer, const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  if (tracer.strides_are_eagers()) return;
  const Sizes* expected = tracer.strides_below(text_of(stack));
  if (expected == nullptr) return;  // not the model's: a decomposition's own
  const at::Tensor& self = torch::jit::peek(stack, 0, op.schema().arguments().size()).toTensor();
  if (!shape::known_equal(strides_of(self), *expected)) refuse();
}

const Sizes* Tracer::strides_below(const std::string& as_strided) const {
  const auto found = strides_below_.find(as_strided);
  return found == strides_below_.end() ? nullptr : &found->second;
}

void Tracer::set_strides_below(const std::string& as_strided, Sizes strides) {
  const auto [known, is_new] = strides_below_.try_emplace(as_strided, strides);
  if (!is_new && !shape::known_equal(known->second, strides)) known->second.clear();
}

}  // namespace tracejet
