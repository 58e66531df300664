// Questions on sizes and data, which PyTorch's operators of TorchScript would answer with plain numbers.
#include <algorithm>

#include <ATen/FunctionalTensorWrapper.h>

#include "capture/frontend_hooks.h"
#include "frontends/torchscript_interpreter.h"
#include "frontends/torchscript_nodes.h"
#include "frontends/torchscript_numbers.h"
#include "frontends/torchscript_values.h"
#include "ir/symbolic_constant.h"

namespace tracejet::torchscript {

namespace jit = torch::jit;

namespace {

bool is_traced(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined() &&
         at::functionalization::impl::isFunctionalTensor(value.toTensor());
}

/// Whether the boolean decides on branches alone, all of which can become torch.cond.
bool decides_on_tensors(const jit::Value& condition) {
  return !condition.uses().empty() && std::ranges::all_of(condition.uses(), [](const jit::Use& use) {
    const jit::Node& user = *use.user;
    return user.kind() == c10::prim::If && gives_tensors(user) &&
           std::ranges::none_of(user.blocks(), [](const jit::Block* block) { return has_effects(*block); });
  });
}

/// The number that a node gives of numbers. A size that torch.jit.trace has made a tensor of is kept as a number while
/// it stands for an int64 tensor without axes; quotients and comparisons are tensors of their own dtype.
std::optional<c10::IValue> computed(const jit::Node& node, const std::vector<c10::IValue>& inputs) {
  const auto is_integer = [](const c10::IValue& value) { return value.isInt() || value.isSymInt(); };
  const bool gives_tensor = node.output()->type()->kind() == c10::TypeKind::TensorType;
  if (gives_tensor && !std::ranges::all_of(inputs, is_integer)) return std::nullopt;
  const std::optional<c10::IValue> number = compute(last_part(node), inputs);
  return !gives_tensor || (number && is_integer(*number)) ? number : std::nullopt;
}

}  // namespace

bool Interpreter::run_question(const jit::Node& node, Frame& frame) {
  if (node.outputs().size() != 1) return false;
  const auto set = [&](c10::IValue value) {
    frame[node.output()] = std::move(value);
    return true;
  };
  const std::string_view op = last_part(node);
  const std::vector<c10::IValue> inputs = inputs_of(node, frame);
  std::vector<c10::IValue> numbers = inputs;
  for (c10::IValue& number : numbers) {
    const bool is_state = number.isTensor() && tracer_.state().contains(number.toTensor());
    if (!is_state) number = unwrapped(number);
  }
  if (std::ranges::any_of(numbers, &is_symbolic_number)) {
    locate(node);
    if (const auto number = computed(node, numbers)) return set(*number);
  }
  if (inputs.empty()) return false;
  const c10::IValue& first = inputs[0];
  if (first.isTensor() && first.toTensor().defined()) {
    const at::Tensor& tensor = first.toTensor();
    if (op == "size" && inputs.size() == 2 && inputs[1].isInt()) return set(tensor.sym_size(inputs[1].toInt()));
    if (op == "size" && inputs.size() == 1) return set(list_of(as_items(tensor.sym_sizes()), c10::IntType::get()));
    if (op == "stride" && inputs.size() == 2) return set(tensor.sym_stride(inputs[1].toInt()));
    if (op == "stride") return set(list_of(as_items(tensor.sym_strides()), c10::IntType::get()));
    if (op == "numel") return set(tensor.sym_numel());
    if (op == "len") return set(tensor.sym_size(0));
    if (op == "storage_offset") return set(tensor.sym_storage_offset());
    if (!is_traced(first)) return false;
    if (node.kind().is_prim() && op == "data") return set(tensor.detach());  // it would copy the tensor with its layout
    if (op == "Bool" && decides_on_tensors(*node.output())) return set(tensor.reshape({}).to(at::kBool));
    const bool is_any = op == "item", is_integer = op == "Int" || op == "IntImplicit";
    const bool is_float = op == "Float" || op == "FloatImplicit";
    if ((is_any || is_integer || is_float) && inputs.size() == 1) {
      const at::Scalar scalar = tensor.item();
      if (scalar.isSymbolic() && scalar.isIntegral(false) && !is_float) return set(scalar.toSymInt());
      if (scalar.isSymbolic() && scalar.isFloatingPoint() && !is_integer) {
        return set(own_number(tracer_.hooks(), scalar.toSymFloat()));
      }
    }
    return false;
  }
  if (inputs.size() == 2 && (op == "eq" || op == "ne") && (has_symbols(first) || has_symbols(inputs[1]))) {
    if (!first.isList() || !inputs[1].isList()) return false;
    const c10::IValue same = compared_lists(first, inputs[1]);
    if (op == "eq") return set(same);
    const c10::IValue one[] = {same};
    return set(same.isBool() ? c10::IValue(!same.toBool()) : *compute("__not__", one));
  }
  const auto has_any_symbol = [](const c10::IValue& value) { return is_symbolic_number(value) || has_symbols(value); };
  if (inputs.size() == 2 && (op == "__is__" || op == "__isnot__") && std::ranges::any_of(inputs, has_any_symbol)) {
    const bool is_none = inputs[0].isNone() || inputs[1].isNone();
    if (is_none) return set(op == "__isnot__");  // a number, or a list of them, and None
  }
  return false;
}

}  // namespace tracejet::torchscript
