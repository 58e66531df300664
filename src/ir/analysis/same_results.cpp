// Compares what two graphs give, whatever else they compute on the way.
#include <algorithm>
#include <cctype>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "ir/analysis/equivalence.h"
#include "ir/analysis/literal_text.h"
#include "ir/analysis/value_numbering.h"
#include "ir/assertion.h"
#include "ir/call.h"

namespace tracejet {

namespace {

/// The names of numbers that only exist when the program runs, and what stands for them: others may have come before.
using Names = std::map<std::string, std::string>;

/// Value numbering call by call, of all sizes and of bodies of control flow. ValueNumbering is of one case of sizes,
/// and takes for the same what is in another shape or was computed beforehand, since that is the same to the user; here
/// a second trace must not even compute otherwise.
class Numbering {
 public:
  Numbering(NumbersOfValues& numbers, Names names = {}) : numbers_(numbers), names_(std::move(names)) {}

  /// One line per output. `operands` are the numbers of a subgraph's inputs.
  std::vector<std::string> outputs(const Graph& graph, std::span<const Number> operands = {}) {
    for (size_t i = 0; i < graph.inputs().size(); ++i) add(graph.inputs()[i], operands, i);
    for (const Node& node : graph.nodes()) {
      if (!assertion_of(node)) add(node);
    }
    std::vector<std::string> lines;
    for (const GraphOutput& output : graph.outputs()) {
      std::string line = output.value != nullptr ? text(*output.value) : text(output.literal);
      if (output.kind != GraphOutput::Kind::kUser) line += " to " + graph.inputs()[output.target].name;
      lines.push_back(std::move(line));
    }
    return lines;
  }

 private:
  void add(const GraphInput& input, std::span<const Number> operands, size_t index) {
    if (input.value == nullptr) return;
    if (index < operands.size()) {
      known_[input.value] = operands[index];
    } else if (input.kind == GraphInput::Kind::kConstant) {
      known_[input.value] = numbers_.of_data(input.data, input.data.device());
    } else {
      known_[input.value] = numbers_.of("input " + std::to_string(static_cast<int>(input.kind)) + " " + input.name);
    }
  }

  void add(const Node& node) {
    std::string key = Call(node).name();
    const auto& arguments = node.arguments();
    // What a subgraph reads of the graph around it counts where it is used.
    const size_t own = node.subgraphs().empty() ? arguments.size() : arguments.size() - 1;
    for (const Argument& argument : arguments.first(own)) key += " " + text(argument);
    for (const auto& subgraph : node.subgraphs()) {
      key += " {";
      for (const std::string& line : Numbering(numbers_, names_).outputs(*subgraph, operands_of(node)))
        key += line + ",";
      key += "}";
    }
    for (size_t i = 0; i < node.outputs().size(); ++i) {
      if (node.outputs()[i] != nullptr) define(*node.outputs()[i], numbers_.of(key + " -> " + std::to_string(i)));
    }
  }

  /// What is carried or cut into slices is another thing in a run than what it is before.
  std::vector<Number> operands_of(const Node& node) {
    std::vector<Number> operands;
    const bool has_condition = Call(node).name() == "higher_order::cond";
    for (size_t i = has_condition ? 1 : 0; i < node.arguments().size(); ++i) {
      const bool is_captured = i + 1 == node.arguments().size();
      for_each_value(node.arguments()[i], [&](const Value& value) {
        const Number outside = known_.at(&value);
        const std::string place = std::to_string(operands.size());
        operands.push_back(is_captured ? outside : numbers_.of("operand " + place + " " + std::to_string(outside)));
      });
    }
    return operands;
  }

  void define(const Value& value, Number number) {
    known_[&value] = number;
    const std::string name = "#" + std::to_string(number);
    if (!value.is_tensor()) return define_name(value.scalar(), name);
    const Sizes& sizes = value.tensor().sizes;
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      define_name(c10::IValue(sizes[axis]), name + "[" + std::to_string(axis) + "]");
    }
  }

  void define_name(const c10::IValue& number, const std::string& name) {
    const auto symbol = symbol_behind(number);
    if (symbol && !symbol->backed) names_.try_emplace(symbol->name, name);
  }

  std::string text(const Value& value) const { return "%" + std::to_string(known_.at(&value)); }

  std::string text(const c10::IValue& literal) const {
    const std::string written = literals_.of(literal);
    if (names_.empty()) return written;
    const auto is_of_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    std::string result;
    for (auto begin = written.begin(); begin != written.end();) {
      const auto end = is_of_word(*begin) ? std::find_if_not(begin, written.end(), is_of_word) : std::next(begin);
      const std::string word(begin, end);
      const auto name = names_.find(word);
      result += name == names_.end() ? word : name->second;
      begin = end;
    }
    return result;
  }

  std::string text(const Argument& argument) const {
    if (const auto* value = std::get_if<const Value*>(&argument)) return text(**value);
    const auto* list = std::get_if<std::vector<const Value*>>(&argument);
    if (list == nullptr) return text(std::get<c10::IValue>(argument));
    std::string result = "[";
    for (const Value* value : *list) result += (value == nullptr ? "None" : text(*value)) + ",";
    return result + "]";
  }

  inline static const symbolic::Case kAsTraced;
  LiteralText literals_{kAsTraced};
  NumbersOfValues& numbers_;
  Names names_;
  std::unordered_map<const Value*, Number> known_;
};

}  // namespace

bool gives_the_same_results(const Graph& graph, const Graph& other) {
  NumbersOfValues numbers;
  return Numbering(numbers).outputs(graph) == Numbering(numbers).outputs(other);
}

}  // namespace tracejet
