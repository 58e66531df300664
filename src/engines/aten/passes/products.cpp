#include "engines/aten/passes/products.h"

#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

std::optional<Product> product_of(const Node& node, const Weights& weights) {
  const bool has_bias = is_call_of(node, "aten::addmm");
  if (!has_bias && !is_call_of(node, "aten::mm")) return std::nullopt;
  const Call call(node);
  const Value& factor = call.value("mat2");
  at::Tensor weight = weights.data(&factor);
  if (const Node* permute = made_by(factor, "aten::permute"); permute != nullptr) {
    const at::Tensor own = weights.data(&Call(*permute).value("self"));
    if (own.defined()) weight = own.permute(Call(*permute).axes("dims", 2));
  }
  if (!weight.defined() || !weight.is_cuda()) return std::nullopt;
  if (!has_bias) return Product{&node, &call.value("self"), weight, {}};
  const at::Tensor bias = weights.data(&call.value("self"));
  const c10::Scalar alpha = call.scalar("alpha"), beta = call.scalar("beta");
  if (!bias.defined() || bias.dim() != 1 || bias.size(0) != weight.size(1) || alpha.toDouble() != 1 ||
      beta.toDouble() != 1)
    return std::nullopt;
  return Product{&node, &call.value("mat1"), weight, bias};
}

std::vector<Argument> arguments_with(const Product& product, const Value& weight, const Value* bias) {
  std::vector<Argument> arguments(product.node->arguments().begin(), product.node->arguments().end());
  if (bias == nullptr) {
    arguments[1] = &weight;
  } else {
    arguments[0] = bias;
    arguments[2] = &weight;
  }
  return arguments;
}

}  // namespace tracejet::aten
