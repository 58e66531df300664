// Tensors that TorchScript's own operators make of numbers: they fill memory, which no trace sees.
#include "frontends/torchscript_tensors.h"

#include <algorithm>
#include <vector>

#include <ATen/ops/lift_fresh.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>

#include "capture/keys.h"
#include "ir/symbolic_constant.h"

namespace tracejet::torchscript {

namespace jit = torch::jit;

namespace {

bool holds_symbols(const c10::IValue& data) {
  return is_symbolic_number(data) || (data.isList() && std::ranges::any_of(data.toListRef(), &holds_symbols));
}

c10::ScalarType dtype_of(const c10::IValue& data) {
  if (data.isList() && !data.toListRef().empty()) return dtype_of(data.toListRef().front());
  if (data.isBool() || data.isSymBool()) return at::kBool;
  return data.isInt() || data.isSymInt() ? at::kLong : c10::get_default_dtype_as_scalartype();
}

/// `data`: a number, or (nested) lists of them.
at::Tensor tensor_of_symbols(const c10::IValue& data, const c10::TensorOptions& options) {
  if (!data.isList()) return at::scalar_tensor(data.toScalar(), options);
  std::vector<at::Tensor> items;
  for (const c10::IValue& item : data.toListRef()) items.push_back(tensor_of_symbols(item, options));
  return at::stack(items);
}

}  // namespace

std::optional<at::Tensor> made_of_numbers(const jit::Node& node, const jit::Stack& inputs) {
  if (node.kind() != c10::aten::tensor && node.kind() != c10::aten::as_tensor) return std::nullopt;
  const c10::IValue& data = inputs[0];
  if (holds_symbols(data)) {
    const auto dtype = inputs[1].isNone() ? dtype_of(data) : inputs[1].toScalarType();
    const auto device = inputs[2].isNone() ? c10::Device(at::kCPU) : inputs[2].toDevice();
    return tensor_of_symbols(data, at::dtype(dtype).device(device));
  }
  if (!data.isList()) return std::nullopt;
  jit::Stack stack = inputs;
  {
    const ExcludeTracingGuard guard;
    node.getOperation()(stack);
  }
  return at::lift_fresh(stack.back().toTensor());  // as Python's torch.tensor does: a new one in each run
}

}  // namespace tracejet::torchscript
