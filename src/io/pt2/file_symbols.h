#pragma once

#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/pt2/json_reader.h"
#include "io/pt2/sympy_parser.h"
#include "ir/graph.h"
#include "symbolic/context.h"

namespace tracejet::pt2 {

/// The symbols of a program in a file, each made when it is first met.
class FileSymbols {
 public:
  explicit FileSymbols(const Field& program);

  const std::shared_ptr<symbolic::Context>& context() const { return context_; }
  /// What the axes of inputs have to fulfil that derived symbols are told by.
  std::span<const symbolic::Condition> conditions() const { return conditions_; }
  /// Of a SymInt, SymFloat or SymBool of the schema.
  symbolic::Expression number(const Field& number);
  c10::SymInt size(const Field& size);
  /// A number as a constant: plain where it is known, else a SymInt, SymFloat or SymBool.
  c10::IValue scalar(const symbolic::Expression& number) const;
  TensorMeta tensor(const Field& meta);

 private:
  /// The size that an example had.
  void note_hint(const Field& number);
  symbolic::Range range_of(const std::string& name) const;
  /// Symbols of which no axis of an input has the size, but a multiple (2 * half + 1): they are computed from it.
  void derive_symbols(const Field& graph);
  symbolic::Expression symbol(const SympySymbol& symbol);

  std::shared_ptr<symbolic::Context> context_;
  std::unordered_map<std::string, symbolic::Range> ranges_;
  std::unordered_map<std::string, int64_t> hints_;
  std::unordered_map<std::string, symbolic::Expression> symbols_;
  std::unordered_map<std::string, symbolic::Expression> parsed_;  ///< by text
  std::vector<symbolic::Condition> conditions_;
};

c10::Device read_device(const Field& device);

}  // namespace tracejet::pt2
