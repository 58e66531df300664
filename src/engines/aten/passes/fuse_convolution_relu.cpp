#include "engines/aten/passes/fuse_convolution_relu.h"

#include <algorithm>
#include <array>

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include "engines/aten/passes/rewriting.h"
#include "engines/aten/passes/weights.h"
#include "symbolic/sym_node.h"

namespace tracejet::aten {

namespace {

/// A convolution that only `reader` reads, where cuDNN's fused kernels take it.
const Node* fusible(const Graph& graph, const Weights& weights, const Value& value, const Node& reader) {
  const Node* node = made_by(value, "aten::convolution");
  if (node == nullptr || only_reader(graph, value) != &reader) return nullptr;
  const Call call(*node);
  const TensorMeta& weight = call.tensor("weight");
  const bool is_taken = value.tensor().device.is_cuda() && weight.dim() == 4 && !call.flag("transposed") &&
                        (weight.dtype == at::kHalf || weight.dtype == at::kBFloat16) &&
                        value.tensor().dtype == weight.dtype && weights.data(&call.value("weight")).defined();
  return is_taken ? node : nullptr;
}

/// What cuDNN takes of a convolution, in its order: with a bias in any case, and one stride for each axis.
struct Fused {
  Argument input, weight, bias, stride, padding, dilation, groups;
};

Fused fused(const Node& convolution, Weights& weights) {
  const Call call(convolution);
  Argument bias = call.argument("bias");
  if (!call.has("bias")) {
    const at::Tensor weight = weights.data(&call.value("weight"));
    bias = &weights.add(at::zeros({weight.size(0)}, weight.options()),
                        "no_bias_" + std::to_string(convolution.outputs().front()->id()));
  }
  const auto per_axis = [&](std::string_view name) {
    const Sizes sizes = call.sym_ints(name, 2);
    std::vector<int64_t> numbers;
    for (const c10::SymInt& size : sizes) numbers.push_back(size.expect_int());
    return Argument(c10::IValue(std::move(numbers)));
  };
  return {call.argument("input"), call.argument("weight"), std::move(bias),        per_axis("stride"),
          per_axis("padding"),    per_axis("dilation"),    call.argument("groups")};
}

bool are_alike(const TensorMeta& a, const TensorMeta& b) {
  return a.dtype == b.dtype && a.device == b.device &&
         std::ranges::equal(a.sizes, b.sizes, symbolic::is_statically_equal);
}

/// A convolution that is added to another one, and whose bias can as well be part of the other's: as a rule, the
/// shortcut of a residual block. The sum of both; undefined where it isn't so.
at::Tensor joint_bias(const Graph& graph, const Weights& weights, const Value& added, const Node& add, const Call& to) {
  const Node* node = made_by(added, "aten::convolution");
  if (node == nullptr || only_reader(graph, added) != &add) return {};
  const at::Tensor own = weights.data(Call(*node).optional_value("bias")),
                   others = weights.data(to.optional_value("bias"));
  if (!own.defined() || to.has("bias") != others.defined()) return {};
  const at::Tensor sum = others.defined() ? own.to(at::kDouble) + others.to(at::kDouble) : own.to(at::kDouble);
  const at::Tensor rounded = sum.to(own.scalar_type());
  return rounded.isfinite().all().item<bool>() ? rounded : at::Tensor();
}

const Value& drop_bias(Graph& graph, const Node& convolution) {
  std::vector<Argument> arguments(convolution.arguments().begin(), convolution.arguments().end());
  arguments[2] = c10::IValue();
  return replace_node(graph, convolution, convolution.op(), std::move(arguments));
}

bool is_relu_of_sum(Graph& graph, Weights& weights, const Node& relu) {
  const Value& sum = Call(relu).value("self");
  const Node* add = made_by(sum, "aten::add.Tensor");
  if (add == nullptr || only_reader(graph, sum) != &relu) return false;
  const Call call(*add);
  const auto* self = std::get_if<const Value*>(&call.argument("self"));
  const auto* other = std::get_if<const Value*>(&call.argument("other"));
  const c10::Scalar alpha = call.scalar("alpha");
  if (self == nullptr || other == nullptr || alpha.isSymbolic() || alpha.toDouble() != 1 ||
      !are_alike((*self)->tensor(), (*other)->tensor()) || !are_alike((*self)->tensor(), sum.tensor()))
    return false;
  for (const auto& [value, added] : {std::pair(*self, *other), std::pair(*other, *self)}) {
    const Node* convolution = fusible(graph, weights, *value, *add);
    if (convolution == nullptr) continue;
    Fused one = fused(*convolution, weights);
    const Value* without = added;
    if (const at::Tensor bias = joint_bias(graph, weights, *added, *add, Call(*convolution)); bias.defined()) {
      one.bias = &weights.add(bias, "joint_bias_" + std::to_string(added->id()));
      without = &drop_bias(graph, *added->producer());
    }
    // What is added must be there when the call is made: it takes the place of the last one.
    replace_node(graph, relu, find_op("aten::cudnn_convolution_add_relu"),
                 {one.input, one.weight, without, 1.0, one.bias, one.stride, one.padding, one.dilation, one.groups});
    graph.erase(*add);
    graph.erase(*convolution);
    return true;
  }
  return false;
}

bool is_relu_of_convolution(Graph& graph, Weights& weights, const Node& relu) {
  const Node* convolution = fusible(graph, weights, Call(relu).value("self"), relu);
  if (convolution == nullptr) return false;
  Fused one = fused(*convolution, weights);
  replace_node(graph, relu, find_op("aten::cudnn_convolution_relu"),
               {one.input, one.weight, one.bias, one.stride, one.padding, one.dilation, one.groups});
  graph.erase(*convolution);
  return true;
}

}  // namespace

void fuse_convolution_relu(Graph& graph) {
  const at::NoGradGuard no_grad;
  Weights weights(graph);
  for_each_node(graph, [&](const Node& node) {
    if (is_call_of(node, "aten::relu"))
      is_relu_of_convolution(graph, weights, node) || is_relu_of_sum(graph, weights, node);
  });
}

}  // namespace tracejet::aten
