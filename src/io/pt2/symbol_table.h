#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "io/pt2/json.h"
#include "ir/graph.h"
#include "symbolic/expression.h"

namespace tracejet::pt2 {

/// The symbols of a program as it is written. PyTorch tells their kinds by the first letter, so that a user's name
/// can't be used: "s0" is a size, "u0" a data-dependent integer, "zuf0" a data-dependent float. Each gets its name when
/// it is first met.
class SymbolTable {
 public:
  /// Names the symbols of a value that is met now, as PyTorch's exporter does: those of the memory come first.
  void meet(const TensorMeta& meta);
  void meet(const symbolic::Expression& expression);

  /// A SymInt of the schema.
  Json size(const c10::SymInt& size);
  /// A SymInt, SymFloat or SymBool of the schema, by the type of the expression.
  Json number(const symbolic::Expression& expression);
  /// What the schema knows of a tensor.
  Json tensor(const TensorMeta& meta, bool requires_grad);

  const Json& range_constraints() const { return ranges_; }

 private:
  const std::string& text_of(const symbolic::Symbol& symbol);
  std::string text_of(const symbolic::Expression& expression);

  std::unordered_map<uint64_t, std::string> symbols_;  ///< by id: the text of a sympy symbol
  std::unordered_map<symbolic::Expression, Json> numbers_;
  Json ranges_ = Json::object();
  int64_t next_integer_ = 0, next_float_ = 0;
};

Json device_json(c10::Device device);

}  // namespace tracejet::pt2
