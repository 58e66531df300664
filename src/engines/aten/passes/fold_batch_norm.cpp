#include "engines/aten/passes/fold_batch_norm.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/zeros_like.h>

#include "engines/aten/passes/rewriting.h"
#include "engines/aten/passes/weights.h"

namespace tracejet::aten {

namespace {

constexpr std::string_view kNorm = "aten::_native_batch_norm_legit_no_training";

/// What a norm does to each channel: x * scale + shift, in double precision.
struct Affine {
  at::Tensor scale;
  at::Tensor shift;
};

std::optional<Affine> affine_of(const Call& norm, const Weights& weights) {
  const auto data = [&](std::string_view name) { return weights.data(norm.optional_value(name)); };
  const at::Tensor mean = data("running_mean"), var = data("running_var");
  const at::Tensor weight = data("weight"), bias = data("bias");
  if (!mean.defined() || !var.defined() || norm.has("weight") != weight.defined() || norm.has("bias") != bias.defined())
    return std::nullopt;
  at::Tensor scale = at::rsqrt(var.to(at::kDouble) + norm.number("eps"));
  if (weight.defined()) scale = scale * weight.to(at::kDouble);
  at::Tensor shift = -mean.to(at::kDouble) * scale;
  if (bias.defined()) shift = shift + bias.to(at::kDouble);
  return Affine{scale, shift};
}

/// Whether a tensor's dtype holds these numbers as well as any: none has become infinite, or lost digits near 0.
bool holds(const at::Tensor& rounded, const at::Tensor& exact) {
  const double most = rounded.scalar_type() == at::kHalf ? 1e-3 : rounded.scalar_type() == at::kBFloat16 ? 8e-3 : 1e-6;
  const at::Tensor error = (rounded.to(at::kDouble) - exact).flatten(1).norm(2, {1});
  return (error <= exact.flatten(1).norm(2, {1}) * most).all().item<bool>();
}

bool is_folded(Graph& graph, Weights& weights, const Node& norm_node) {
  const Call norm(norm_node);
  const Value& input = norm.value("input");
  const Node* convolution_node = made_by(input, "aten::convolution");
  if (convolution_node == nullptr || only_reader(graph, input) != &norm_node) return false;
  for (const Value* statistic : norm_node.outputs().subspan(1)) {
    if (statistic != nullptr && (!statistic->users().empty() || graph.is_output(*statistic))) return false;
  }
  const Call convolution(*convolution_node);
  const at::Tensor weight = weights.data(&convolution.value("weight"));
  const at::Tensor bias = weights.data(convolution.optional_value("bias"));
  if (convolution.flag("transposed") || !weight.defined() || !weight.is_floating_point() ||
      convolution.has("bias") != bias.defined() || norm_node.outputs()[0]->tensor().dtype != weight.scalar_type())
    return false;
  const auto affine = affine_of(norm, weights);
  if (!affine) return false;
  std::vector<int64_t> by_channel(static_cast<size_t>(weight.dim()), 1);
  by_channel[0] = -1;
  const at::Tensor exact = weight.to(at::kDouble) * affine->scale.view(by_channel);
  const at::Tensor exact_bias = bias.defined() ? affine->shift + bias.to(at::kDouble) * affine->scale : affine->shift;
  const at::Tensor folded = exact.to(weight.scalar_type());
  const at::Tensor folded_bias = exact_bias.to(weight.scalar_type());
  if (!holds(folded, exact) || !folded_bias.isfinite().all().item<bool>()) return false;

  std::vector<Argument> arguments(convolution_node->arguments().begin(), convolution_node->arguments().end());
  const std::string name = "folded_batch_norm_" + std::to_string(input.id());
  arguments[1] = &weights.add(folded, name + "_weight");
  arguments[2] = &weights.add(folded_bias, name + "_bias");
  const Node& added = graph.insert_node(norm_node, convolution_node->op(), std::move(arguments), {input.tensor()},
                                        convolution_node->where());
  graph.replace_all_uses(*norm_node.outputs()[0], *added.outputs()[0]);
  graph.erase(norm_node);
  graph.erase(*convolution_node);
  return true;
}

}  // namespace

void fold_batch_norm(Graph& graph) {
  const at::NoGradGuard no_grad;
  Weights weights(graph);
  for_each_node(graph, [&](const Node& node) {
    if (is_call_of(node, kNorm)) is_folded(graph, weights, node);
  });
}

}  // namespace tracejet::aten
