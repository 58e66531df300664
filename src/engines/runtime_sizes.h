#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include <ATen/core/ivalue.h>

#include "ir/assertion.h"
#include "ir/tensor_meta.h"
#include "symbolic/expression.h"

namespace tracejet {

/// What the symbols of a program are in one run.
class RuntimeSizes {
 public:
  void bind(uint64_t symbol, int64_t value) { values_.insert_or_assign(symbol, value); }
  std::optional<int64_t> find(uint64_t symbol) const;

  int64_t evaluate(const symbolic::Expression& expression) const;
  int64_t evaluate(const c10::SymInt& size) const;
  std::vector<int64_t> evaluate(c10::SymIntArrayRef sizes) const;
  bool holds(const symbolic::Condition& condition) const;
  /// An integer, float or boolean expression as the plain number that it is in this run.
  c10::IValue number(const symbolic::Expression& expression) const;

 private:
  int64_t value_of(const symbolic::Symbol& symbol) const;

  std::unordered_map<uint64_t, int64_t> values_;
};

/// Whether this constant of a graph holds a symbolic number, alone or in a list.
bool is_symbolic(const c10::IValue& constant);
/// The constant with every symbolic number replaced by its value.
c10::IValue resolve(const c10::IValue& constant, const RuntimeSizes& sizes);

/// A symbol whose value is the size of an axis, or (axis -1) the number itself.
struct SymbolSource {
  uint64_t symbol;
  int64_t axis;
};
/// The symbols that a value of these sizes tells, as they were declared and as what they have turned out to be.
std::vector<SymbolSource> symbols_told_by(const TensorMeta& meta);
/// The same of a number that the program computes.
std::vector<uint64_t> symbols_told_by(const c10::IValue& number);

/// Throws Error with the assertion's message where it doesn't hold.
void check(const RuntimeAssertion& assertion, const RuntimeSizes& sizes);

}  // namespace tracejet
