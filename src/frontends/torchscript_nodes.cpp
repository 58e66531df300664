#include "frontends/torchscript_nodes.h"

#include <algorithm>

#include "base/error.h"

namespace tracejet::torchscript {

namespace jit = torch::jit;

std::string location_text(const jit::Node& node) {
  const jit::SourceRange range = node.sourceRange();
  const auto place = range.file_line_col();
  if (!place) return {};
  const auto& [file, line, column] = *place;
  std::string code = range.source()->get_line(range.source()->lineno_for_offset(range.start())).str();
  code.erase(0, code.find_first_not_of(" \t"));
  code.erase(code.find_last_not_of(" \n") + 1);
  return "  File \"" + file + "\", line " + std::to_string(line) + ", in TorchScript\n    " + code + "\n";
}

void refuse(const jit::Node& node, const std::string& what) {
  throw UnsupportedOperator("[" + std::string(node.kind().toQualString()) + "] " + what + "\n" + location_text(node),
                            ErrorCode::kTorchScript);
}

bool has_effects(const jit::Block& block) {
  return std::ranges::any_of(block.nodes(), [](const jit::Node* node) {
    const jit::FunctionSchema* schema = node->maybeSchema();
    const bool is_call = node->kind() == c10::prim::CallMethod || node->kind() == c10::prim::CallFunction;
    const bool writes = (schema != nullptr && schema->is_mutable()) || node->kind() == c10::prim::SetAttr ||
                        node->kind() == c10::prim::RaiseException || is_call;
    return writes || std::ranges::any_of(node->blocks(), [](const jit::Block* inner) { return has_effects(*inner); });
  });
}

bool gives_tensors(const jit::Node& node) {
  return !node.outputs().empty() && std::ranges::all_of(node.outputs(), [](const jit::Value* output) {
    return output->type()->isSubtypeOf(*c10::TensorType::get());
  });
}

}  // namespace tracejet::torchscript
