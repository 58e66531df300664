#pragma once

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ir/analysis/literal_text.h"
#include "ir/call.h"
#include "ir/graph.h"
#include "symbolic/cases.h"

/// Global value numbering over two graphs: values that are computed alike have the same number.
namespace tracejet {

using Number = size_t;

/// Numbers for everything that two graphs compute; what is written the same is the same.
class NumbersOfValues {
 public:
  Number of(const std::string& key) { return known_.try_emplace(key, known_.size()).first->second; }

  /// Of known data: equal ones are the same.
  Number of_data(const at::Tensor& data, const c10::Device& device);

 private:
  std::unordered_map<std::string, Number> known_;
  std::unordered_map<std::string, std::vector<std::pair<at::Tensor, Number>>> data_;
};

/// Boolean tensors of which all elements are known to be true, or all to be false.
using Uniform = std::unordered_map<Number, bool>;

/// Whether a node asserts that the data go the way that a trace was told to take.
bool is_data_branch(const Node& node);

/// The numbers of one graph's values, where its sizes are those of a case.
class ValueNumbering {
 public:
  ValueNumbering(const Graph& graph, const symbolic::Case& sizes, NumbersOfValues& numbers, Uniform uniform = {});

  /// One line per output.
  std::vector<std::string> outputs() const;

  /// What is checked when the program runs.
  std::set<std::string> assertions() const;

  /// What a value is without the views that only change its shape.
  Number base_of_value(const Value& value) const { return base_of(of(value)); }

 private:
  Number of(const Value& value) const { return numbers_by_value_.at(&value); }
  void add_input(const GraphInput& input);
  void define_data(const Value& value, const at::Tensor& data);
  /// Computes what follows from constants and sizes alone, if it is small: one program may do so where the other has
  /// the result.
  bool add_data(const Node& node);
  std::optional<c10::IValue> number(const c10::IValue& constant) const;
  void define(const Value& value, Number number);
  void add(const Node& node);
  std::string key(const Node& node, std::string_view replaced = {}, const c10::IValue& by = {});
  /// A reduction that keeps its axes is the one that doesn't, reshaped.
  void add_reduction(const Call& call, const Value& output);
  Number without_leading_ones(const Value& value);
  Number reshaped(Number base, const std::string& target);
  /// Where a call only changes the shape of a value, or not even that: what it comes to.
  std::optional<Number> same_elements(const Call& call, const Value& output);
  std::optional<bool> uniform(const Value& value) const;
  /// Where all elements of a result have one truth, since those of its operand have.
  std::optional<bool> uniform_truth(const Call& call) const;
  /// Where a call chooses between two tensors, and one is chosen everywhere.
  std::optional<Number> chosen_elements(const Call& call, const Value& output);
  /// Whether a result as large as the input is the input: a slice without steps, padding by nothing.
  bool takes_all(const Call& call) const;
  Number base_of(Number number) const;
  bool moves_only_ones(const Call& call, const TensorMeta& from) const;
  symbolic::Expression product(const Sizes& sizes) const;
  symbolic::Expression at_sizes(const symbolic::Expression& expression) const { return literals_.at_sizes(expression); }
  std::string shape(const Sizes& sizes) const { return literals_.shape(sizes); }

  template <typename Literal>
  std::string text(const Literal& literal) const {
    return literals_.of(literal);
  }
  std::string text(const Argument& argument) const;

  const Graph& graph_;
  LiteralText literals_;
  NumbersOfValues& numbers_;
  std::unordered_map<const Value*, Number> numbers_by_value_;
  std::unordered_map<const Value*, at::Tensor> data_;  ///< of values that follow from constants
  std::unordered_map<Number, std::string> shapes_;
  std::unordered_map<Number, Number> bases_;  ///< of reshaped values: what they are a view of
  Uniform uniform_;
  size_t calls_with_effect_ = 0;
};

}  // namespace tracejet
