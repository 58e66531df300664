#include "io/pt2/call_spec.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/identifier.h"

namespace tracejet {

namespace {

constexpr const char* kLeaf = R"({"type": null, "context": null, "children_spec": []})";

std::string tuple_of(const std::vector<std::string>& children) {
  std::string text = R"({"type": "builtins.tuple", "context": "null", "children_spec": [)";
  for (size_t i = 0; i < children.size(); ++i) text += (i == 0 ? "" : ", ") + children[i];
  return text + "]}";
}

/// As PyTorch's treespec of version 1.
std::string versioned(const std::string& spec) { return "[1, " + spec + "]"; }

/// Whether a module's code can call an argument so: fx's needs some names itself.
bool is_argument_name(const std::string& name) {
  static constexpr std::array<std::string_view, 8> kOfCode{"self", "torch",  "device",    "inf",
                                                           "nan",  "pytree", "fx_pytree", "NoneType"};
  return is_identifier(name) && std::ranges::find(kOfCode, name) == kOfCode.end();
}

}  // namespace

CallSpec positional_call(const Graph& graph) {
  CallSpec spec;
  std::vector<std::string> arguments, results;
  for (const GraphInput& input : graph.inputs()) {
    if (input.kind != GraphInput::Kind::kUser) continue;
    arguments.emplace_back(kLeaf);
    spec.inputs.emplace_back();
    spec.argument_names.push_back(input.name);
  }
  for (const GraphOutput& output : graph.outputs()) {
    if (output.kind != GraphOutput::Kind::kUser) continue;
    results.emplace_back(kLeaf);
    spec.outputs.emplace_back();
  }
  if (!std::ranges::all_of(spec.argument_names, is_argument_name)) spec.argument_names.clear();
  const std::string no_keywords = R"({"type": "builtins.dict", "context": "[]", "children_spec": []})";
  spec.in_spec = versioned(tuple_of({tuple_of(arguments), no_keywords}));
  spec.out_spec = versioned(tuple_of(results));
  return spec;
}

}  // namespace tracejet
