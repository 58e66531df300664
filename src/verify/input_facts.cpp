#include "verify/input_facts.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <string_view>

#include "ir/analysis/element_flow.h"
#include "ir/call.h"

namespace tracejet {

namespace {

using Origins = std::unordered_map<const Value*, std::set<const Value*>>;

/// An operator's argument whose numbers are positions in another: along its argument `dim`, or along axis 0.
struct Lookup {
  std::string_view op, index, table;
  bool has_dim;
};
constexpr Lookup kLookups[] = {
    {"aten::embedding", "indices", "weight", false},
    {"aten::_embedding_bag", "indices", "weight", false},
    {"aten::_embedding_bag_forward_only", "indices", "weight", false},
    {"aten::embedding_bag.padding_idx", "indices", "weight", false},
    {"aten::index_select", "index", "self", true},
    {"aten::gather", "index", "self", true},
    {"aten::scatter", "index", "self", true},
    {"aten::scatter_add", "index", "self", true},
    {"aten::scatter_reduce", "index", "self", true},
    {"aten::index_add", "index", "self", true},
    {"aten::index_copy", "index", "self", true},
    {"aten::index_fill", "index", "self", true},
    {"aten::index_reduce", "index", "self", true},
};
constexpr std::array<std::string_view, 4> kIndexedByList = {"aten::index", "aten::index_put", "aten::_unsafe_index",
                                                            "aten::_unsafe_index_put"};
bool is_integer(const Value& value) { return value.is_tensor() && c10::isIntegralType(value.tensor().dtype, false); }

bool is_called_mask(const std::string& name) {
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return lower.find("mask") != std::string::npos;
}

class Finder {
 public:
  explicit Finder(const Graph& graph) {
    for (const GraphInput& input : graph.inputs()) {
      if (input.kind != GraphInput::Kind::kUser || input.value == nullptr || !is_integer(*input.value)) continue;
      origins_[input.value].insert(input.value);
      facts_[input.value].is_mask = is_called_mask(input.name);
    }
    if (facts_.empty()) return;
    for (const Node& node : graph.nodes()) look_at(node);
  }

  std::unordered_map<const Value*, InputFacts> facts() && { return std::move(facts_); }

 private:
  void look_at(const Node& node) {
    const Call call(node);
    const std::string& name = node.op().operator_name().name;
    if (std::ranges::find(kIndexedByList, name) != kIndexedByList.end()) return look_at_list(call);
    for (const Lookup& lookup : kLookups) {
      if (lookup.op != name || !call.declares(lookup.index)) continue;
      const TensorMeta& table = call.tensor(lookup.table);
      const int64_t axis = lookup.has_dim ? call.axis("dim", table.dim()) : 0;
      if (axis < table.dim()) is_index(call.value(lookup.index), table.sizes[static_cast<size_t>(axis)]);
    }
    if (name == "aten::_to_copy" && call.dtype() == at::kBool) return is_mask(call.value("self"));
    if (const ElementFlow* flow = find_element_flow(node.op())) pass_on(node, flow->arguments);
    if (name == "aten::_to_copy") pass_on(node, std::array<std::string_view, 1>{"self"});
  }

  void look_at_list(const Call& call) {
    const TensorMeta& table = call.tensor("self");
    const std::vector<const Value*> indices = call.values("indices");
    for (size_t axis = 0; axis < indices.size() && axis < table.sizes.size(); ++axis) {
      if (indices[axis] == nullptr || !is_integer(*indices[axis])) continue;
      is_index(*indices[axis], table.sizes[axis]);
    }
  }

  /// What comes out are numbers that went in.
  void pass_on(const Node& node, std::span<const std::string_view> arguments) {
    std::set<const Value*> origins;
    for (const std::string_view argument : arguments) {
      for_each_value(Call(node).argument(argument),
                     [&](const Value& value) { origins.insert(origins_[&value].begin(), origins_[&value].end()); });
    }
    if (origins.empty()) return;
    for (const Value* output : node.outputs()) {
      if (output != nullptr && is_integer(*output)) origins_[output] = origins;
    }
  }

  void is_index(const Value& value, const c10::SymInt& size) {
    for (const Value* input : origins_[&value]) facts_[input].indexes.push_back(size);
  }

  void is_mask(const Value& value) {
    for (const Value* input : origins_[&value]) facts_[input].is_mask = true;
  }

  Origins origins_;
  std::unordered_map<const Value*, InputFacts> facts_;
};

}  // namespace

std::unordered_map<const Value*, InputFacts> facts_of_inputs(const Graph& graph) { return Finder(graph).facts(); }

}  // namespace tracejet
