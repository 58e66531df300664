#include "engines/aten/passes/fold_gpu_constants.h"

#include <ATen/Context.h>

#include "engines/aten/passes/weights.h"
#include "engines/recording/recordable.h"
#include "ir/passes/constant_folding.h"

namespace tracejet::aten {

namespace {

constexpr size_t kLargestConstant = 1 << 20;

}  // namespace

void fold_gpu_constants(Graph& graph) {
  if (recording::gpus_of(graph).empty() || !at::hasCUDA()) return;
  const Weights weights(graph);
  std::unordered_map<const Value*, at::Tensor> known;
  fold_weights(graph, [&](const Value& value) -> std::optional<at::Tensor> {
    const at::Tensor data = weights.data(&value);
    if (!data.defined() || data.nbytes() > kLargestConstant) return std::nullopt;
    const auto [found, is_first] = known.try_emplace(&value);
    if (is_first) found->second = data.cpu();
    return found->second;
  });
}

}  // namespace tracejet::aten
