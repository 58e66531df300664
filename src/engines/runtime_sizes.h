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

/// The constant with every symbolic number replaced by its value.
c10::IValue resolve(const c10::IValue& constant, const RuntimeSizes& sizes);

/// A number that the program computes in the form in which symbols hold theirs.
int64_t as_symbol_value(const c10::IValue& number);

/// Throws Error with the assertion's message where it doesn't hold.
void check(const RuntimeAssertion& assertion, const RuntimeSizes& sizes);

}  // namespace tracejet
