#include "compile/input_check.h"

#include <algorithm>
#include <unordered_map>

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/core/impl/TorchDispatchModeTLS.h>

#include "base/error.h"
#include "ir/model_line.h"
#include "ir/schema.h"
#include "ir/size_expression.h"
#include "symbolic/context.h"

namespace tracejet {

namespace {

using symbolic::Expression;

[[noreturn]] void refuse_axis(const std::string& input, size_t axis, int64_t size, const std::string& expected) {
  refuse_input(input,
               "axis " + std::to_string(axis) + " is " + std::to_string(size) + ", but this program takes " + expected,
               ErrorCode::kGuardViolation);
}

void check_kind(const GraphInput& input, const at::Tensor& tensor) {
  const TensorMeta& meta = input.value->tensor();
  if (!tensor.defined()) refuse_input(input.name, "a tensor is needed, got None");
  if (tensor.scalar_type() != meta.dtype) {
    refuse_input(input.name, std::string("its dtype is ") + c10::toString(tensor.scalar_type()) +
                                 ", but this program takes " + c10::toString(meta.dtype));
  }
  if (tensor.device() != meta.device) {
    refuse_input(input.name, "it is on " + tensor.device().str() + ", but this program runs on " + meta.device.str());
  }
  if (tensor.layout() != at::kStrided) refuse_input(input.name, "a dense tensor is needed");
  if (tensor.dim() != meta.dim()) {
    refuse_input(input.name, "it has " + std::to_string(tensor.dim()) + " axes, but this program takes " + meta.str());
  }
}

bool is_aten(const Node& node) { return node.op().operator_name().name.starts_with("aten::"); }

/// Whether a result is of float32 for want of anything that says so.
bool gives_default_dtype(const Node& node) {
  const auto is_default = [](const Value* output) {
    return output != nullptr && output->is_tensor() && at::toRealValueType(output->tensor().dtype) == at::kFloat;
  };
  if (!is_aten(node) || std::ranges::none_of(node.outputs(), is_default)) return false;
  const auto& declared = node.op().schema().arguments();
  bool has_operands = false, asks_default = false, is_said = false;
  for (size_t i = 0; i < node.arguments().size(); ++i) {
    if (declared[i].name() == "dtype") {
      const auto* dtype = std::get_if<c10::IValue>(&node.arguments()[i]);
      asks_default = dtype != nullptr && dtype->isNone();
      is_said = !asks_default;
    }
    for_each_value(node.arguments()[i], [&](const Value& value) {
      if (!value.is_tensor()) return;
      has_operands = true;
      is_said |= !at::isIntegralType(value.tensor().dtype, /*includeBool=*/true);
    });
  }
  return !is_said && (asks_default || has_operands);
}

}  // namespace

void check_caller(const std::vector<at::Tensor>& inputs) {
  using c10::impl::TorchDispatchModeKey;
  const auto refuse = [](const std::string& what) {
    throw InvalidInput("a compiled program can't be run " + what + "; use the model or program.module() there",
                       ErrorCode::kInputMismatch);
  };
  if (c10::impl::tls_is_dispatch_key_included(c10::DispatchKey::FuncTorchDynamicLayerFrontMode))
    refuse("within a transform of torch.func (grad, vmap, jvp), which doesn't see what an engine computes");
  if (c10::impl::tls_is_dispatch_key_included(c10::DispatchKey::Tracer)) refuse("in torch.jit.trace");
  for (const auto key : {TorchDispatchModeKey::FAKE, TorchDispatchModeKey::PROXY, TorchDispatchModeKey::FUNCTIONAL}) {
    if (c10::impl::TorchDispatchModeTLS::get_mode(key))
      refuse("while its operators are recorded (make_fx, FakeTensors)");
  }
  for (const at::Tensor& input : inputs) {
    if (input.defined() && input._fw_grad(/*level=*/0).defined()) refuse("on tensors with tangents (forward-mode AD)");
  }
}

std::string call_of_default_dtype(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (gives_default_dtype(node)) return "[" + full_name(node.op()) + "]\n" + describe(node.where(), graph);
    for (const auto& subgraph : node.subgraphs()) {
      if (auto found = call_of_default_dtype(*subgraph); !found.empty()) return found;
    }
  }
  return "";
}

void refuse_input(const std::string& input, const std::string& problem, ErrorCode code) {
  throw InvalidInput(input + ": " + problem, code);
}

RuntimeSizes checked_sizes(const Graph& graph, const std::vector<size_t>& user_inputs,
                           const std::vector<at::Tensor>& inputs) {
  if (inputs.size() != user_inputs.size()) {
    throw InvalidInput(
        "this program takes " + std::to_string(user_inputs.size()) + " tensors, got " + std::to_string(inputs.size()),
        ErrorCode::kInputMismatch);
  }
  RuntimeSizes sizes;
  std::unordered_map<uint64_t, std::string> bound_by;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const GraphInput& input = graph.inputs()[user_inputs[i]];
    check_kind(input, inputs[i]);
    const auto& expected = input.value->tensor().sizes;
    for (size_t axis = 0; axis < expected.size(); ++axis) {
      const int64_t size = inputs[i].size(static_cast<int64_t>(axis));
      const Expression expression = expression_of(expected[axis]);
      // What was declared as a symbol of its own may be 2 * another by now, or 8; assertions mention it still.
      const auto declared = symbolic::symbol_behind(expected[axis]);
      if (declared && Expression::of(*declared) != expression) sizes.bind(declared->id, size);
      if (expression.is_constant()) {
        if (size != expression.constant()) refuse_axis(input.name, axis, size, std::to_string(expression.constant()));
        continue;
      }
      if (!expression.range().contains(size)) refuse_axis(input.name, axis, size, in_words(expression.range()));
      if (expression.kind() != symbolic::Kind::kSymbol) continue;
      const auto id = expression.symbol().id;
      if (const auto other = sizes.find(id); other && *other != size) {
        refuse_axis(input.name, axis, size, std::to_string(*other) + " here, the size of " + bound_by.at(id));
      }
      sizes.bind(id, size);
      bound_by.try_emplace(id, input.name + " on axis " + std::to_string(axis));
    }
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const GraphInput& input = graph.inputs()[user_inputs[i]];
    const auto& expected = input.value->tensor().sizes;
    for (size_t axis = 0; axis < expected.size(); ++axis) {
      const int64_t size = inputs[i].size(static_cast<int64_t>(axis));
      const int64_t needed = sizes.evaluate(expected[axis]);
      if (size == needed) continue;
      refuse_axis(input.name, axis, size, std::to_string(needed) + " here, " + expression_of(expected[axis]).str());
    }
  }
  return sizes;
}

}  // namespace tracejet
