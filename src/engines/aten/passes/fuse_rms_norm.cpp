#include "engines/aten/passes/fuse_rms_norm.h"

#include "engines/aten/passes/matching.h"
#include "engines/aten/passes/rewriting.h"

namespace tracejet::aten {

namespace {

struct Norm {
  const Value* input;
  double eps;
};

/// x and eps of x * rsqrt(mean(x^2, -1) + eps)
std::optional<Norm> norm_of(const Value& value) {
  const auto factors = product(value);
  if (!factors || factors->other == nullptr) return std::nullopt;
  for (const auto& [x, scale] : {std::pair(factors->tensor, factors->other), {factors->other, factors->tensor}}) {
    const Value* shifted = self_of(*scale, "aten::rsqrt");
    const auto terms = shifted == nullptr ? std::nullopt : sum(*shifted);
    if (!terms || !terms->number) continue;
    const Node* mean = made_by(*terms->tensor, "aten::mean.dim");
    if (mean == nullptr || !Call(*mean).flag("keepdim") || Call(*mean).dtype()) continue;
    const int64_t rank = x->tensor().dim();
    if (rank == 0 || Call(*mean).axes("dim", rank) != std::vector<int64_t>{rank - 1}) continue;
    const Node* power = made_by(Call(*mean).value("self"), "aten::pow.Tensor_Scalar");
    if (power == nullptr || Call(*power).optional_value("self") != x) continue;
    const c10::Scalar exponent = Call(*power).scalar("exponent");
    if (!exponent.isSymbolic() && exponent.toDouble() == 2) return Norm{x, *terms->number};
  }
  return std::nullopt;
}

bool is_fused(Graph& graph, const Node& node) {
  const Value& result = *node.outputs().front();
  const auto factors = product(result);
  if (!factors || factors->other == nullptr) return false;
  for (const auto& [weight, cast] : {std::pair(factors->tensor, factors->other), {factors->other, factors->tensor}}) {
    const at::ScalarType dtype = result.tensor().dtype;
    const auto norm = norm_of(before_cast(*cast, dtype));
    if (!norm) continue;
    const Value& x = before_cast(*norm->input, at::kFloat);
    const TensorMeta& meta = x.tensor();
    const auto length = meta.sizes.back().maybe_as_int();
    if (!meta.device.is_cuda() || meta.dtype != dtype || weight->tensor().dtype != dtype || !length ||
        weight->tensor().dim() != 1 || weight->tensor().sizes[0].maybe_as_int() != length ||
        norm->input->tensor().dtype != at::kFloat)
      continue;
    const Node& added = graph.insert_node(node, find_op("aten::_fused_rms_norm"),
                                          {&x, std::vector<int64_t>{*length}, weight, norm->eps},
                                          {result.tensor(), std::monostate()}, node.where());
    graph.replace_all_uses(result, *added.outputs().front());
    graph.erase(node);
    return true;
  }
  return false;
}

}  // namespace

void fuse_rms_norm(Graph& graph) {
  for_each_node(graph, [&](const Node& node) {
    if (is_call_of(node, "aten::mul.Tensor")) is_fused(graph, node);
  });
}

}  // namespace tracejet::aten
