#include "helpers.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "symbolic/sym_node.h"

namespace tracejet::testing {

namespace {

/// Before any test runs.
[[maybe_unused]] const int passes_are_verified = setenv("TRACEJET_VERIFY_PASSES", "1", /*overwrite=*/1);

}  // namespace

TensorMeta meta_of(const at::Tensor& tensor) {
  TensorMeta meta;
  meta.sizes.append(tensor.sizes().begin(), tensor.sizes().end());
  meta.strides.append(tensor.strides().begin(), tensor.strides().end());
  meta.storage_offset = tensor.storage_offset();
  meta.dtype = tensor.scalar_type();
  meta.device = tensor.device();
  return meta;
}

namespace {

bool is_tensor_list(const c10::IValue& argument) {
  if (argument.isTensorList()) return true;
  if (!argument.isList()) return false;
  for (const c10::IValue& element : argument.toListRef()) {
    if (element.isTensor() && element.toTensor().defined()) return true;
  }
  return false;
}

}  // namespace

Arguments::Arguments(const torch::jit::Stack& stack, const Describe& describe) {
  const auto add = [&](const at::Tensor& tensor) -> const Value* {
    return &values_.emplace_back(static_cast<int64_t>(values_.size()), describe(tensor));
  };
  for (const c10::IValue& argument : stack) {
    if (argument.isTensor() && argument.toTensor().defined()) {
      const at::Tensor& tensor = argument.toTensor();
      const bool is_number = tensor.unsafeGetTensorImpl()->is_wrapped_number();
      list_.push_back(is_number ? Argument(c10::IValue(tensor.item())) : Argument(add(tensor)));
    } else if (is_tensor_list(argument)) {
      std::vector<const Value*> list;
      for (const c10::IValue& element : argument.toListRef()) {
        const bool is_none = element.isNone() || !element.toTensor().defined();
        list.push_back(is_none ? nullptr : add(element.toTensor()));
      }
      list_.emplace_back(std::move(list));
    } else {
      list_.emplace_back(argument);
    }
  }
}

TensorMeta Symbolize::operator()(const at::Tensor& tensor) {
  TensorMeta meta = meta_of(tensor);
  for (c10::SymInt& size : meta.sizes) {
    const int64_t hint = size.expect_int();
    if (hint < 2) continue;
    const auto name = "s" + std::to_string(context_->symbols().size());
    size = context_->sym_int(context_->symbol(name, {1, 1 << 20}, hint));
  }
  // From the innermost axis outwards, a stride that equals the extent so far is that extent.
  std::vector<size_t> order(meta.sizes.size());
  std::iota(order.rbegin(), order.rend(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return tensor.stride(a) < tensor.stride(b); });
  c10::SymInt extent = 1;
  for (size_t axis : order) {
    const int64_t stride = tensor.stride(static_cast<int64_t>(axis));
    if (stride == 0) continue;
    if (symbolic::hint_of(extent) == stride) meta.strides[axis] = extent;
    extent = meta.strides[axis] * meta.sizes[axis];
  }
  return meta;
}

std::vector<int64_t> on_example(const Sizes& list) {
  std::vector<int64_t> values;
  for (const c10::SymInt& value : list) values.push_back(symbolic::hint_of(value).value());
  return values;
}

std::vector<int64_t> with_symbols(const Sizes& list, const std::function<int64_t(int64_t hint)>& change) {
  std::vector<int64_t> values;
  for (const c10::SymInt& value : list) {
    values.push_back(symbolic::evaluate(symbolic::expression_of(value).value(),
                                        [&](const symbolic::Symbol& symbol) { return change(symbol.hint); }));
  }
  return values;
}

std::vector<at::Tensor> tensors_of(const torch::jit::Stack& results) {
  std::vector<at::Tensor> tensors;
  for (const c10::IValue& result : results) {
    if (result.isTensor()) tensors.push_back(result.toTensor());
    if (!result.isTensorList()) continue;
    for (const c10::IValue& element : result.toListRef()) tensors.push_back(element.toTensor());
  }
  return tensors;
}

torch::jit::Stack call(const c10::OperatorHandle& op, torch::jit::Stack arguments) {
  op.callBoxed(arguments);
  return arguments;
}

}  // namespace tracejet::testing
