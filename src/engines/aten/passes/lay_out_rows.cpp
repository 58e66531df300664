#include "engines/aten/passes/lay_out_rows.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "engines/aten/fusion/pointwise_ops.h"
#include "engines/aten/fusion/row_ops.h"
#include "engines/aten/passes/layouts.h"
#include "engines/aten/passes/rewriting.h"
#include "symbolic/sym_node.h"

namespace tracejet::aten {

namespace {

/// A copy takes about what it saves a norm.
constexpr size_t kFewestNorms = 2;

bool has_scattered_rows(const TensorMeta& meta) {
  return meta.dim() > 1 && meta.strides.back().maybe_as_int() != 1 && meta.sizes.back().maybe_as_int() != 1;
}

bool have_one_size(const Value& a, const Value& b) {
  return std::ranges::equal(a.tensor().sizes, b.tensor().sizes, symbolic::is_statically_equal);
}

/// What chains of pointwise operators took their scattered rows from.
class Sources {
 public:
  explicit Sources(const Value& rows) { look_at(rows, 0); }

  const std::unordered_set<const Value*>& found() const { return found_; }

 private:
  void look_at(const Value& value, size_t operators) {
    if (!value.is_tensor() || !has_scattered_rows(value.tensor()) || !seen_.insert(&value).second) return;
    const Node* node = value.producer();
    if (node == nullptr) return;
    if (pointwise_op(*node) == nullptr) {
      if (operators > 0) found_.insert(&value);
      return;
    }
    for (const Argument& argument : node->arguments()) {
      for_each_value(argument, [&](const Value& term) {
        if (term.is_tensor() && have_one_size(term, value)) look_at(term, operators + 1);
      });
    }
  }

  std::unordered_set<const Value*> seen_, found_;
};

}  // namespace

void lay_out_rows_of(Graph& graph, c10::DeviceType type) {
  std::map<int64_t, std::pair<const Value*, size_t>> norms;  // by the value's id: in the order of the program
  for (const Node& node : graph.nodes()) {
    const auto op = row_op(node);
    if ((op != RowOp::kLayerNorm && op != RowOp::kRmsNorm) || rows_of(node).tensor().device.type() != type) continue;
    const Sources sources(rows_of(node));
    for (const Value* source : sources.found()) {
      auto& [value, count] = norms[source->id()];
      value = source;
      ++count;
    }
  }
  std::erase_if(norms, [](const auto& entry) { return entry.second.second < kFewestNorms; });
  if (norms.empty() || counts_places(graph)) return;
  std::unordered_set<const Node*> producers;
  for (const auto& [id, source] : norms) producers.insert(source.first->producer());
  const std::vector<const Value*> results = results_from(graph, producers);
  const auto lies_as_usual = [](const Value* result) { return is_contiguous(result->tensor()); };
  if (!std::ranges::all_of(results, lies_as_usual)) return;
  for (const auto& [id, source] : norms) make_contiguous(graph, *source.first);
  for (const Value* result : results_from(graph, producers)) make_contiguous(graph, *result);
}

void lay_out_rows(Graph& graph) { lay_out_rows_of(graph, c10::kCUDA); }

}  // namespace tracejet::aten
