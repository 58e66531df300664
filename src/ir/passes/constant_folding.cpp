#include "ir/passes/constant_folding.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include <ATen/core/grad_mode.h>

#include "ir/analysis/element_flow.h"
#include "ir/analysis/evaluate.h"
#include "ir/symbolic_constant.h"

namespace tracejet {

namespace {

/// Larger results cost more memory than the call costs time. Empty ones stay computed, too: readers take a constant
/// without elements for one without axes.
constexpr size_t kMostBytes = 1 << 20;

std::optional<c10::IValue> plain(const c10::IValue& constant) {
  return is_symbolic(constant) ? std::nullopt : std::optional(constant);
}

bool is_small(const Value* output) {
  if (output == nullptr || !output->is_tensor()) return false;
  const TensorMeta& meta = output->tensor();
  size_t bytes = c10::elementSize(meta.dtype);
  for (const c10::SymInt& size : meta.sizes) {
    const auto known = size.maybe_as_int();
    if (!known || *known == 0 || *known > static_cast<int64_t>(kMostBytes)) return false;
    bytes *= static_cast<size_t>(*known);
    if (bytes > kMostBytes) return false;
  }
  return true;
}

bool has_layout_of(const at::Tensor& data, const TensorMeta& meta) {
  const auto is_equal = [](int64_t a, const c10::SymInt& b) { return b.maybe_as_int() == a; };
  return data.scalar_type() == meta.dtype && std::ranges::equal(data.sizes(), meta.sizes, is_equal) &&
         std::ranges::equal(data.strides(), meta.strides, is_equal);
}

/// Whether a result may be the operand itself, or show its memory.
bool may_pass_on(const Node& node) {
  const auto& returns = node.op().schema().returns();
  const ElementFlow* flow = find_element_flow(node.op());
  return !node.op().operator_name().name.starts_with("aten::") ||
         (flow != nullptr && flow->is_of_self() && flow->has_all()) ||
         node.op().operator_name().name == "aten::_to_copy" ||
         std::ranges::any_of(returns, [](const c10::Argument& result) { return result.alias_info() != nullptr; });
}

class Folder {
 public:
  /// `weight`: the data of weights that count as constants; on CPUs only where there is none.
  Folder(Graph& graph, KnownData weight) : graph_(graph), weight_(std::move(weight)) {
    for (const GraphOutput& output : graph.outputs()) given_.insert(output.value);
    for (const GraphInput& input : graph.inputs()) names_.insert(input.name);
  }

  void run() {
    const at::NoGradGuard no_grad;
    std::vector<const Value*> values;
    for (const Node& node : graph_.nodes()) {
      if (!compute(node)) continue;
      values.insert(values.end(), node.outputs().begin(), node.outputs().end());
    }
    for (const Value* value : values) {
      if (is_new_.contains(value) && is_read_by_others(*value)) replace(*value);
    }
  }

 private:
  bool compute(const Node& node) {
    if (!node.op().operator_name().name.starts_with("aten::") || node.op().schema().is_mutable() ||
        node.outputs().empty() || !std::ranges::all_of(node.outputs(), is_small) ||
        (!weight_ && !node.outputs().front()->tensor().device.is_cpu()))
      return false;
    bool is_new = !may_pass_on(node);
    const auto data = [&](const Value& value) {
      const auto found = known_.find(&value);
      if (found == known_.end()) return weight_ ? weight_(value) : std::nullopt;
      is_new = is_new || is_new_.contains(&value);
      return std::optional(found->second);
    };
    std::optional<std::vector<at::Tensor>> results;
    try {
      results = evaluate(node, data, plain);
    } catch (const c10::Error&) {  // it fails in each run, where somebody looks at it
      return false;
    }
    if (!results || results->size() != node.outputs().size()) return false;
    for (size_t i = 0; i < results->size(); ++i) {
      if (!has_layout_of((*results)[i], node.outputs()[i]->tensor())) return false;
    }
    for (size_t i = 0; i < results->size(); ++i) {
      known_.emplace(node.outputs()[i], (*results)[i]);
      if (is_new) is_new_.insert(node.outputs()[i]);
    }
    return true;
  }

  bool is_folded(const Node& node) const { return !node.outputs().empty() && known_.contains(node.outputs().front()); }

  /// By calls that stay, and that compute something else of it.
  bool is_read_by_others(const Value& value) const {
    if (given_.contains(&value)) return false;
    bool is_read = false;
    for (const Node* user : value.users()) {
      if (is_folded(*user) && std::ranges::none_of(user->outputs(), [&](const Value* v) { return given_.contains(v); }))
        continue;
      if (may_pass_on(*user) || !user->subgraphs().empty()) return false;
      is_read = true;
    }
    return is_read;
  }

  void replace(const Value& value) {
    std::string name = "folded_" + std::to_string(value.id());
    while (!names_.insert(name).second) name += '_';
    const Value& constant = *graph_.add_input(GraphInput::Kind::kConstant, value.tensor(), name,
                                              known_.at(&value).to(value.tensor().device));
    graph_.replace_all_uses(value, constant);
  }

  Graph& graph_;
  KnownData weight_;
  std::unordered_set<const Value*> given_;
  std::unordered_set<std::string> names_;
  std::unordered_map<const Value*, at::Tensor> known_;
  std::unordered_set<const Value*> is_new_;  ///< computed, and no view of a weight
};

}  // namespace

void fold_constants(Graph& graph) { Folder(graph, {}).run(); }

void fold_weights(Graph& graph, const KnownData& weight) { Folder(graph, weight).run(); }

}  // namespace tracejet
