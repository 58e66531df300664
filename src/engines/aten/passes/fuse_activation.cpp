#include "engines/aten/passes/fuse_activation.h"

#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

namespace {

enum class Activation { kRelu, kGelu };

std::optional<Activation> activation_of(const Node& node) {
  if (is_call_of(node, "aten::relu")) return Activation::kRelu;
  const bool is_gelu = is_call_of(node, "aten::gelu") && Call(node).text("approximate") == "tanh";
  return is_gelu ? std::optional(Activation::kGelu) : std::nullopt;
}

bool is_view(const Node& node) { return is_call_of(node, "aten::view") || is_call_of(node, "aten::reshape"); }

/// A product that cuBLAS adds a bias to in the same call: of one row of numbers, and of 16-bit floats.
bool is_taken(const Node& product) {
  const Call call(product);
  const TensorMeta& bias = call.tensor("self");
  const TensorMeta& result = product.outputs().front()->tensor();
  const c10::Scalar alpha = call.scalar("alpha"), beta = call.scalar("beta");
  if (alpha.isSymbolic() || beta.isSymbolic() || alpha.toDouble() != 1 || beta.toDouble() != 1) return false;
  return result.device.is_cuda() && (result.dtype == at::kHalf || result.dtype == at::kBFloat16) && bias.dim() == 1 &&
         bias.dtype == result.dtype;
}

}  // namespace

void fuse_activation(Graph& graph) {
  for_each_node(graph, [&](const Node& node) {
    const auto activation = activation_of(node);
    if (!activation) return;
    const Value& bent = Call(node).value("self");
    // Between them, the rows of a product are often given axes again.
    const Node* view = bent.producer() != nullptr && is_view(*bent.producer()) ? bent.producer() : nullptr;
    const Value& rows = view == nullptr ? bent : Call(*view).value("self");
    const Node* product = made_by(rows, "aten::addmm");
    const bool is_alone = view == nullptr ? product != nullptr && only_reader(graph, rows) == &node
                                          : only_reader(graph, rows) == view && only_reader(graph, bent) == &node;
    if (product == nullptr || !is_alone || !is_taken(*product)) return;
    std::vector<Argument> arguments(product->arguments().begin(), product->arguments().end());
    arguments.emplace_back(*activation == Activation::kGelu);
    replace_node(graph, *product, find_op("aten::_addmm_activation"), std::move(arguments));
    graph.replace_all_uses(*node.outputs().front(), Call(node).value("self"));
    graph.erase(node);
  });
}

}  // namespace tracejet::aten
