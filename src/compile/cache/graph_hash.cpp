#include "compile/cache/graph_hash.h"

#include <algorithm>
#include <utility>

#include "ir/symbolic_constant.h"
#include "symbolic/context.h"

namespace tracejet {

namespace {

class GraphHasher {
 public:
  /// `weights`: null where their content doesn't matter.
  GraphHasher(Hasher& hasher, WeightHashes* weights) : out_(hasher), weights_(weights) {}

  void graph(const Graph& graph, const RuntimeInputs* runtime_inputs) {
    out_.number(graph.inputs().size());
    for (size_t i = 0; i < graph.inputs().size(); ++i) {
      const bool changes = runtime_inputs == nullptr || std::ranges::binary_search(*runtime_inputs, i);
      input(graph.inputs()[i], changes);
    }
    out_.number(graph.nodes().size());
    for (const Node& each : graph.nodes()) node(each);
    out_.number(graph.outputs().size());
    for (const GraphOutput& output : graph.outputs()) {
      out_.number(output.kind);
      reference(output.value);
      constant(output.literal);
      out_.number(output.target);
    }
  }

  void guards(const symbolic::Context& shapes) {
    const symbolic::Context::Reading reading(shapes);
    out_.number(shapes.guards().size());
    for (const symbolic::Guard& guard : shapes.guards()) {
      out_.number(guard.kind);
      expression(guard.condition);
    }
  }

 private:
  /// `changes`: its data is of one run, and no engine may rely on it.
  void input(const GraphInput& input, bool changes) {
    out_.number(input.kind);
    out_.text(input.name);
    out_.number(changes);
    value(input.value);
    if (!changes && input.value != nullptr && weights_ != nullptr) out_.text(weights_->of(input.data));
  }

  void node(const Node& node) {
    out_.text(node.op().operator_name().name);
    out_.text(node.op().operator_name().overload_name);
    out_.number(node.arguments().size());
    for (const Argument& each : node.arguments()) argument(each);
    out_.number(node.returns().size());
    for (const auto& count : node.returns()) out_.number(count ? static_cast<int64_t>(*count) : -1);
    out_.number(node.outputs().size());
    for (const Value* output : node.outputs()) value(output);
    out_.number(node.subgraphs().size());
    for (const auto& subgraph : node.subgraphs()) graph(*subgraph, nullptr);
  }

  void argument(const Argument& argument) {
    out_.number(argument.index());
    if (const auto* constant = std::get_if<c10::IValue>(&argument)) return this->constant(*constant);
    if (const auto* value = std::get_if<const Value*>(&argument)) return reference(*value);
    const auto& values = std::get<std::vector<const Value*>>(argument);
    out_.number(values.size());
    for (const Value* value : values) reference(value);
  }

  /// A place where a value is used.
  void reference(const Value* value) { out_.number(value == nullptr ? -1 : value->id()); }

  /// Where a value comes from.
  void value(const Value* value) {
    reference(value);
    if (value == nullptr) return;
    out_.number(value->is_tensor());
    if (!value->is_tensor()) return constant(value->scalar());
    const TensorMeta& meta = value->tensor();
    out_.number(meta.dtype);
    out_.text(meta.device.str());
    out_.number(meta.strides_may_differ);
    numbers(meta.sizes);
    numbers(meta.strides);
    number(meta.storage_offset);
  }

  void numbers(const Sizes& sizes) {
    out_.number(sizes.size());
    for (const c10::SymInt& size : sizes) number(size);
  }

  void number(const c10::SymInt& size) { expression(expression_of(size)); }

  void constant(const c10::IValue& constant) {
    if (const auto symbolic = symbolic_expression(constant)) {
      out_.text("symbolic");
      return expression(*symbolic);
    }
    out_.text(constant.tagKind());
    if (constant.isNone()) return;
    if (constant.isInt()) return out_.number(constant.toInt());
    if (constant.isBool()) return out_.number(constant.toBool());
    if (constant.isDouble()) return out_.number(constant.toDouble());
    if (constant.isString()) return out_.text(constant.toStringRef());
    if (constant.isDevice()) return out_.text(constant.toDevice().str());
    if (constant.isComplexDouble()) {
      out_.number(constant.toComplexDouble().real());
      return out_.number(constant.toComplexDouble().imag());
    }
    if (constant.isTensor() && constant.toTensor().defined()) return content(constant.toTensor());
    if (!constant.isList()) throw NoKey("it holds a " + constant.tagKind() + " as an argument");
    const auto elements = constant.toListRef();
    out_.number(elements.size());
    for (const c10::IValue& element : elements) this->constant(element);
  }

  /// Of a tensor among the arguments, which is no weight.
  void content(const at::Tensor& tensor) { out_.text(weights_ != nullptr ? weights_->of(tensor) : own_.of(tensor)); }

  /// Each with all that it is made of where it is met first, and by number afterwards.
  void expression(const symbolic::Expression& expression) {
    const auto [known, is_new] = expressions_.emplace(expression, expressions_.size());
    out_.number(known->second);
    if (!is_new) return;
    out_.number(expression.kind());
    out_.number(expression.type());
    if (expression.kind() == symbolic::Kind::kSymbol) return symbol(expression.symbol());
    if (expression.is_constant()) {
      if (expression.is_float()) return out_.number(expression.real());
      return out_.number(expression.constant());
    }
    out_.number(expression.coefficient());
    out_.number(expression.operands().size());
    for (const symbolic::Expression& operand : expression.operands()) this->expression(operand);
  }

  /// Without its id, which is another one in each trace.
  void symbol(const symbolic::Symbol& symbol) {
    out_.text(symbol.name);
    out_.number(symbol.range.min);
    out_.number(symbol.range.max);
    out_.number(symbol.backed);
    out_.number(symbol.backed ? symbol.hint : 0);
    out_.number(symbol.is_float);
  }

  Hasher& out_;
  WeightHashes* weights_;
  WeightHashes own_;
  std::unordered_map<symbolic::Expression, uint64_t> expressions_;
};

}  // namespace

const std::string& WeightHashes::of(const at::Tensor& weight) {
  const auto [known, is_new] = known_.try_emplace(weight.unsafeGetTensorImpl(), weight, std::string());
  if (!is_new) return known->second.second;
  if (!weight.defined() || !weight.has_storage() || weight.is_meta()) throw NoKey("one of its weights has no data");
  const at::Tensor data = weight.detach().resolve_conj().resolve_neg().cpu().contiguous();
  Hasher hasher;
  hasher.number(data.scalar_type());
  hasher.number(data.dim());
  for (const int64_t size : data.sizes()) hasher.number(size);
  hasher.bytes(data.const_data_ptr(), data.nbytes());
  return known->second.second = hasher.hex();
}

void hash_graph(Hasher& hasher, const Graph& graph, const RuntimeInputs& inputs, WeightHashes& weights) {
  GraphHasher each(hasher, &weights);
  each.guards(graph.shapes());
  each.graph(graph, &inputs);
}

bool differ_in_weights_only(const Graph& one, const Graph& other) {
  const auto hash = [](const Graph& graph) {
    Hasher hasher;
    const RuntimeInputs inputs = runtime_inputs_of(graph);
    GraphHasher each(hasher, nullptr);
    each.guards(graph.shapes());
    each.graph(graph, &inputs);
    return hasher.hex();
  };
  return hash(one) == hash(other);
}

}  // namespace tracejet
