#include "engines/openvino/inferred_shapes.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <unordered_map>

#include <openvino/core/node.hpp>

#include "engines/runtime_sizes.h"
#include "ir/assertion.h"
#include "ir/size_expression.h"
#include "symbolic/context.h"

namespace tracejet::openvino {

namespace {

using symbolic::Expression;

/// Where the shapes are compared: each symbol is at that part of its range.
constexpr double kParts[] = {0.0, 0.2, 0.5, 0.8, 1.0};
/// Stands for the end of a range that has none.
constexpr int64_t kFar = 1000;

std::vector<const TensorMeta*> input_metas(const Graph& graph, const RuntimeInputs& inputs) {
  std::vector<const TensorMeta*> metas;
  for (const size_t input : inputs) metas.push_back(&graph.inputs()[input].value->tensor());
  return metas;
}

RuntimeSizes sizes_at(const std::vector<const TensorMeta*>& inputs, const auto& value_of) {
  RuntimeSizes sizes;
  const auto for_each_size = [&](const auto& visit) {
    for (const TensorMeta* meta : inputs) {
      for (const c10::SymInt& size : meta->sizes) {
        if (size.is_heap_allocated()) visit(size);
      }
    }
  };
  for_each_size([&](const c10::SymInt& size) {
    const Expression expression = expression_of(size);
    if (expression.is_symbol()) sizes.bind(expression.symbol().id, value_of(expression.symbol()));
  });
  for_each_size([&](const c10::SymInt& size) {
    const auto declared = symbolic::symbol_behind(size);
    if (declared && !sizes.find(declared->id)) sizes.bind(declared->id, sizes.evaluate(size));
  });
  return sizes;
}

bool is_taken(const RuntimeSizes& sizes, const Graph& graph) {
  return std::ranges::all_of(graph.nodes(), [&](const Node& node) {
    const auto assertion = assertion_of(node);
    return !assertion || symbolic::is_data_dependent(assertion->condition) || sizes.holds(assertion->condition);
  });
}

/// The traced sizes and others in their ranges, as far as the program takes them.
std::vector<RuntimeSizes> examples(const Graph& graph, const RuntimeInputs& inputs) {
  const auto metas = input_metas(graph, inputs);
  std::vector<RuntimeSizes> found{sizes_at(metas, [](const symbolic::Symbol& symbol) { return symbol.hint; })};
  for (const double part : kParts) {
    RuntimeSizes sizes = sizes_at(metas, [&](const symbolic::Symbol& symbol) {
      const int64_t least = std::max<int64_t>(symbol.range.min, 0);
      const int64_t most = symbol.range.max == symbolic::kInfinity ? least + kFar : symbol.range.max;
      return least + static_cast<int64_t>(part * static_cast<double>(most - least));
    });
    if (is_taken(sizes, graph)) found.push_back(std::move(sizes));
  }
  return found;
}

/// What the value's sizes are at the first example that OpenVINO's don't admit.
std::optional<std::vector<int64_t>> counterexample(const ov::PartialShape& inferred, const TensorMeta& meta,
                                                   const std::vector<RuntimeSizes>& examples) {
  if (inferred.rank().is_dynamic()) return std::nullopt;
  const bool is_static =
      std::ranges::all_of(meta.sizes, [](const auto& size) { return size.maybe_as_int().has_value(); });
  for (const RuntimeSizes& sizes : examples) {
    std::vector<int64_t> here;
    bool differs = inferred.size() != meta.sizes.size();
    for (size_t axis = 0; axis < meta.sizes.size(); ++axis) {
      const auto known = meta.sizes[axis].maybe_as_int();
      const bool is_data_dependent = !known && symbolic::is_data_dependent(expression_of(meta.sizes[axis]));
      here.push_back(is_data_dependent ? -1 : sizes.evaluate(meta.sizes[axis]));
      differs = differs || (!is_data_dependent && !inferred[axis].compatible(here.back()));
    }
    if (differs) return here;
    if (is_static) break;
  }
  return std::nullopt;
}

std::unordered_map<std::string, ov::PartialShape> shapes_by_name(const ov::Model& model) {
  std::unordered_map<std::string, ov::PartialShape> shapes;
  for (const auto& op : model.get_ops()) {
    for (const auto& output : op->outputs()) {
      for (const std::string& name : output.get_names()) shapes.emplace(name, output.get_partial_shape());
    }
  }
  return shapes;
}

std::string text_of(const std::vector<int64_t>& sizes) {
  std::string text;
  for (const int64_t size : sizes) text += (text.empty() ? "" : ", ") + (size < 0 ? "?" : std::to_string(size));
  return "[" + text + "]";
}

}  // namespace

std::vector<Unsupported> wrongly_inferred(const ov::Model& model, const onnx::Model& onnx, const Graph& graph,
                                          const RuntimeInputs& inputs) {
  const auto at = examples(graph, inputs);
  const auto shapes = shapes_by_name(model);
  for (const auto& [name, value] : onnx.results) {
    const auto found = shapes.find(name);
    if (found == shapes.end() || !value->is_tensor() || value->producer() == nullptr) continue;
    const auto sizes = counterexample(found->second, value->tensor(), at);
    if (!sizes) continue;
    std::ostringstream reason;
    reason << "gives the shape " << text_of(*sizes) << " where OpenVINO infers " << found->second;
    return {{value->producer(), reason.str()}};
  }
  return {};
}

}  // namespace tracejet::openvino
