#include "frontends/torchscript_nodes.h"

#include <algorithm>
#include <set>

#include <torch/csrc/jit/api/function_impl.h>

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

namespace {

/// What a call runs; null where only the run itself can tell (an interface's method), or where it isn't TorchScript.
jit::GraphFunction* called_function(const jit::Node& node) {
  const c10::TypePtr& callee = node.inputs()[0]->type();
  jit::Function* function = nullptr;
  if (node.kind() == c10::prim::CallFunction) {
    function = callee->expectRef<c10::FunctionType>().function();
  } else if (const auto type = callee->cast<c10::ClassType>()) {
    function = type->findMethod(node.s(c10::attr::name));
  }
  return function == nullptr ? nullptr : jit::tryToGraphFunction(*function);
}

bool has_effects_in(const jit::Block& block, std::set<const jit::Function*>& calls) {
  return std::ranges::any_of(block.nodes(), [&](const jit::Node* node) {
    if (node->kind() == c10::prim::CallMethod || node->kind() == c10::prim::CallFunction) {
      jit::GraphFunction* called = called_function(*node);
      return called == nullptr || (calls.insert(called).second && has_effects_in(*called->graph()->block(), calls));
    }
    const jit::FunctionSchema* schema = node->maybeSchema();
    const bool writes = (schema != nullptr && schema->is_mutable()) || node->kind() == c10::prim::SetAttr ||
                        node->kind() == c10::prim::RaiseException || node->kind() == c10::prim::fork;
    return writes ||
           std::ranges::any_of(node->blocks(), [&](const jit::Block* b) { return has_effects_in(*b, calls); });
  });
}

}  // namespace

bool has_effects(const jit::Block& block) {
  std::set<const jit::Function*> calls;
  return has_effects_in(block, calls);
}

bool gives_tensors(const jit::Node& node) {
  return !node.outputs().empty() && std::ranges::all_of(node.outputs(), [](const jit::Value* output) {
    return output->type()->isSubtypeOf(*c10::TensorType::get());
  });
}

}  // namespace tracejet::torchscript
