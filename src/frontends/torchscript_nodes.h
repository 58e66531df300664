#pragma once

#include <string>
#include <string_view>

#include <torch/csrc/jit/ir/ir.h>

/// What is asked of a node before it runs.
namespace tracejet::torchscript {

/// "aten::floordiv" gives "floordiv".
inline std::string_view last_part(const torch::jit::Node& node) { return node.kind().toUnqualString(); }

/// As Python has it: the file, and the line of code below.
std::string location_text(const torch::jit::Node& node);

/// Throws UnsupportedOperator.
[[noreturn]] void refuse(const torch::jit::Node& node, const std::string& what);

/// Whether running both ways of a branch would leave something behind: writes, attributes, exceptions.
bool has_effects(const torch::jit::Block& block);
bool gives_tensors(const torch::jit::Node& node);

/// Calls `visit(node)` for each node of a block and of the blocks in it.
template <typename Visitor>
void for_each_node(const torch::jit::Block& block, Visitor&& visit) {
  for (const torch::jit::Node* node : block.nodes()) {
    visit(*node);
    for (const torch::jit::Block* inner : node->blocks()) for_each_node(*inner, visit);
  }
}

}  // namespace tracejet::torchscript
