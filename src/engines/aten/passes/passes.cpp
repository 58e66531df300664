#include "engines/aten/passes/passes.h"

#include <algorithm>

#include "base/error.h"
#include "engines/aten/passes/add_bias_later.h"
#include "engines/aten/passes/attention.h"
#include "engines/aten/passes/avoid_copies.h"
#include "engines/aten/passes/channels_last.h"
#include "engines/aten/passes/copy_heads_once.h"
#include "engines/aten/passes/fold_batch_norm.h"
#include "engines/aten/passes/fold_gpu_constants.h"
#include "engines/aten/passes/fuse_activation.h"
#include "engines/aten/passes/fuse_convolution_relu.h"
#include "engines/aten/passes/fuse_group_norm.h"
#include "engines/aten/passes/fuse_pointwise.h"
#include "engines/aten/passes/fuse_rms_norm.h"
#include "engines/aten/passes/gather_rows.h"
#include "engines/aten/passes/keep_axes.h"
#include "engines/aten/passes/lay_out_rows.h"
#include "engines/aten/passes/lower_precision.h"
#include "engines/aten/passes/merge_products.h"
#include "engines/aten/passes/pad_products.h"
#include "engines/aten/passes/pool_channels_last.h"
#include "engines/aten/passes/recompose.h"
#include "engines/aten/passes/rotate_halves.h"
#include "engines/aten/passes/write_in_place.h"
#include "ir/copy.h"
#include "ir/passes/dead_nodes.h"

namespace tracejet::aten {

namespace {

bool is_skipped(const CompileSettings& settings, std::string_view name) {
  return std::ranges::any_of(settings.skipped_passes,
                             [&](const std::string& skipped) { return skipped == name || skipped == "all"; });
}

/// The same program without the weights that passes have replaced.
std::shared_ptr<Graph> without_unread_weights(const Graph& graph) {
  const auto copy = graph.make_subgraph();
  std::unordered_map<const Value*, const Value*> values;
  std::vector<size_t> places;
  std::vector<bool> is_written(graph.inputs().size(), false);
  for (const GraphOutput& output : graph.outputs()) {
    if (output.kind != GraphOutput::Kind::kUser) is_written[output.target] = true;
  }
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const GraphInput& input = graph.inputs()[i];
    places.push_back(copy->inputs().size());
    const bool is_read = input.value == nullptr || !input.value->users().empty() || graph.is_output(*input.value);
    if (!is_read && !is_written[i] && input.kind != GraphInput::Kind::kUser) continue;
    const auto meta = input.value == nullptr ? std::nullopt : std::optional(input.value->tensor());
    const Value* value = copy->add_input(input.kind, meta, input.name, input.data, input.persistent);
    if (value != nullptr) values.emplace(input.value, value);
  }
  for (const Node& node : graph.nodes()) copy_node(node, *copy, values);
  for (GraphOutput output : graph.outputs()) {
    if (output.value != nullptr) output.value = values.at(output.value);
    if (output.kind != GraphOutput::Kind::kUser) output.target = places[output.target];
    copy->add_output(std::move(output));
  }
  return copy;
}

}  // namespace

std::span<const Pass> passes() {
  static constexpr Pass table[] = {
      kFoldGpuConstants, kFoldBatchNorm, kUseChannelsLast, kLayOutRows,   kFuseConvolutionRelu, kPoolChannelsLast,
      kRecompose,        kFuseGroupNorm, kFuseRmsNorm,     kRotateHalves, kGatherRows,          kAvoidCopies,
      kMergeProducts,    kPadProducts,   kCopyHeadsOnce,   kKeepAxes,     kSimplifyAttention,   kFuseActivation,
      kAddBiasLater,     kFusePointwise, kWriteInPlace};
  return table;
}

void check_skipped_passes(const CompileSettings& settings) {
  for (const std::string& name : settings.skipped_passes) {
    if (name == "all" || std::ranges::find(passes(), name, &Pass::name) != passes().end()) continue;
    std::string names;
    for (const Pass& pass : passes()) names += std::string(pass.name) + ", ";
    throw InvalidInput("skipped_passes: there is no pass \"" + name + "\"; choose of " + names + "all",
                       ErrorCode::kInvalidSetting);
  }
}

std::shared_ptr<const Graph> optimized(const std::shared_ptr<const Graph>& graph, const CompileSettings& settings) {
  check_skipped_passes(settings);
  const auto has_bodies = [](const Node& node) { return !node.subgraphs().empty(); };
  // Bodies are planned by their nodes.
  if (std::ranges::any_of(graph->nodes(), has_bodies)) return graph;
  std::shared_ptr<Graph> copy = copy_with_outputs(*graph, {}).graph;
  if (settings.precision != at::kFloat) {
    if (!is_skipped(settings, kFoldBatchNorm.name)) run_pass(kFoldBatchNorm, *copy);  // in float32
    copy = lower_precision(*copy, settings.precision);
  }
  for (const Pass& pass : passes()) {
    if (!is_skipped(settings, pass.name)) run_pass(pass, *copy);
  }
  run_pass(kEliminateDeadNodes, *copy);
  return without_unread_weights(*copy);
}

}  // namespace tracejet::aten
