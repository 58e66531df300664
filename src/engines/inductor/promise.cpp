#include "engines/inductor/promise.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <ATen/core/enum_tag.h>

#include "ir/call.h"

namespace tracejet::inductor {

namespace {

/// So many passes over memory less are worth a compiler.
constexpr int kFewest = 4;

bool is_fused(const Node& node) {
  static constexpr std::array<std::string_view, 12> kReductions{"aten::_log_softmax",
                                                                "aten::_softmax",
                                                                "aten::amax",
                                                                "aten::amin",
                                                                "aten::argmax",
                                                                "aten::argmin",
                                                                "aten::cumsum",
                                                                "aten::mean",
                                                                "aten::sum",
                                                                "aten::native_group_norm",
                                                                "aten::native_layer_norm",
                                                                "aten::var"};
  if (node.op().hasTag(at::Tag::pointwise)) return true;
  return std::ranges::find(kReductions, Call(node).name()) != kReductions.end();
}

}  // namespace

bool is_promising(const Graph& graph) {
  int fusions = 0;
  for (const Node& node : graph.nodes()) {
    if (!is_fused(node)) continue;
    bool continues = false;
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) {
        continues = continues || (value.producer() != nullptr && is_fused(*value.producer()));
      });
    }
    if (continues && ++fusions >= kFewest) return true;
  }
  return false;
}

}  // namespace tracejet::inductor
