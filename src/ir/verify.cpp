// What has to be true of every graph between two passes.
#include "ir/verify.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "ir/analysis/subgraph_symbols.h"
#include "ir/node_text.h"
#include "ir/symbol_binding.h"

namespace tracejet {

namespace {

class Verifier {
 public:
  /// `around`: the symbols that the graph around a subgraph tells.
  Verifier(const Graph& graph, std::unordered_set<uint64_t> around) : graph_(graph), bound_(std::move(around)) {}

  void run() {
    for (const GraphInput& input : graph_.inputs()) check(input);
    for (const Node& node : graph_.nodes()) check(node);
    for (const GraphOutput& output : graph_.outputs()) check(output);
    for (const auto& [value, users] : users_) check_users(*value, users);
  }

 private:
  /// Names the node at hand.
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error("the graph is wrong, which is a bug in tracejet: " + problem + place(), ErrorCode::kInternalError);
  }

  std::string place() const {
    if (node_ != nullptr) return ", at " + text_of(*node_);
    return where_.empty() ? "" : ", at " + where_;
  }

  void define(const Value& value, const Node* producer) {
    if (!users_.try_emplace(&value).second) fail(name_of(&value) + " is defined twice");
    if (value.producer() != producer) fail(name_of(&value) + " doesn't say what computes it");
    if (value.is_tensor()) {
      const TensorMeta& meta = value.tensor();
      if (meta.sizes.size() != meta.strides.size()) fail(name_of(&value) + " has other axes in its strides");
      if (meta.dtype == at::ScalarType::Undefined) fail(name_of(&value) + " has no dtype");
    } else if (!value.scalar().isScalar()) {
      fail(name_of(&value) + " is neither a tensor nor a number");
    }
    for_each_bound_symbol(value, [&](const SymbolBinding& binding) { bound_.insert(binding.symbol.id); });
  }

  void check(const GraphInput& input) {
    where_ = "input " + input.name;
    if (input.value == nullptr) {
      if (input.kind != GraphInput::Kind::kUser) fail("a tensor of the model has no value");
      return;
    }
    if (!input.value->is_tensor()) fail("an input is a number");
    define(*input.value, nullptr);
    if (input.data.defined() && input.data.scalar_type() != input.value->tensor().dtype) {
      fail("its data is of another dtype than " + name_of(input.value));
    }
  }

  void check(const Node& node) {
    node_ = &node;
    if (node.arguments().size() != node.op().schema().arguments().size()) fail("arguments are missing or too many");
    for (const Argument& argument : node.arguments()) {
      for_each_value(argument, [&](const Value& value) { use(value, node); });
    }
    if (std::ranges::count(node.subgraphs(), nullptr) > 0) fail("a subgraph is missing");
    check_symbols(symbols_read_by(node));
    for (const auto& subgraph : node.subgraphs()) check(*subgraph);
    size_t count = 0;
    for (const auto& length : node.returns()) count += length.value_or(1);
    if (count != node.outputs().size()) fail("it gives another number of values than it says");
    for (const Value* output : node.outputs()) {
      if (output != nullptr) define(*output, &node);
    }
    node_ = nullptr;
  }

  void check(const Graph& subgraph) const {
    try {
      Verifier(subgraph, bound_).run();
    } catch (const Error& error) {
      error.rethrow_as(said_by(error) + ", in a subgraph" + place());
    }
  }

  void check(const GraphOutput& output) {
    where_ = "output " + std::to_string(&output - graph_.outputs().data());
    if (output.value != nullptr && !users_.contains(output.value)) fail(name_of(output.value) + " isn't computed");
    if (output.value == nullptr) {
      std::vector<symbolic::Symbol> symbols;
      for_each_expression(output.literal, [&](const symbolic::Expression& expression) {
        for (const symbolic::Symbol& symbol : symbolic::symbols_of(expression)) symbols.push_back(symbol);
      });
      check_symbols(symbols);
    }
    if (output.kind == GraphOutput::Kind::kUser) return;
    if (output.value == nullptr) fail("what is written is no tensor");
    if (output.target >= graph_.inputs().size()) fail("it writes to an input that isn't there");
    const GraphInput& target = graph_.inputs()[output.target];
    const bool is_of_model = target.kind == GraphInput::Kind::kBuffer || target.kind == GraphInput::Kind::kParameter;
    const bool is_right =
        output.kind == GraphOutput::Kind::kBufferMutation ? is_of_model : target.kind == GraphInput::Kind::kUser;
    if (!is_right || target.value == nullptr) fail("it can't write to the input " + target.name);
  }

  void use(const Value& value, const Node& node) {
    const auto found = users_.find(&value);
    if (found == users_.end()) fail(name_of(&value) + " is read before it is computed");
    if (found->second.empty() || found->second.back() != &node) found->second.push_back(&node);
  }

  void check_symbols(const std::vector<symbolic::Symbol>& symbols) const {
    for (const symbolic::Symbol& symbol : symbols) {
      if (!bound_.contains(symbol.id)) fail("nothing binds " + symbol.name + " before it is read");
    }
  }

  /// `users`: in the order of execution.
  void check_users(const Value& value, const std::vector<const Node*>& users) {
    where_.clear();
    if (std::ranges::is_permutation(value.users(), users)) return;
    fail("the users of " + name_of(&value) + " aren't those that it says");
  }

  const Graph& graph_;
  std::unordered_set<uint64_t> bound_;
  std::unordered_map<const Value*, std::vector<const Node*>> users_;  ///< of each value so far
  const Node* node_ = nullptr;                                        ///< the one at hand
  std::string where_;                                                 ///< the input or output at hand
};

}  // namespace

void verify_graph(const Graph& graph) { Verifier(graph, {}).run(); }

}  // namespace tracejet
