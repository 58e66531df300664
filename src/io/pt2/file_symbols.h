#pragma once

#include <memory>
#include <string>
#include <unordered_map>

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
  /// Of a SymInt, SymFloat or SymBool of the schema.
  symbolic::Expression number(const Field& number);
  c10::SymInt size(const Field& size);
  /// A number as a constant: plain where it is known, else a SymInt, SymFloat or SymBool.
  c10::IValue scalar(const symbolic::Expression& number) const;
  TensorMeta tensor(const Field& meta);

 private:
  /// The size that an example had.
  void note_hint(const Field& number);
  symbolic::Expression symbol(const SympySymbol& symbol);

  std::shared_ptr<symbolic::Context> context_;
  std::unordered_map<std::string, symbolic::Range> ranges_;
  std::unordered_map<std::string, int64_t> hints_;
  std::unordered_map<std::string, symbolic::Expression> symbols_;
  std::unordered_map<std::string, symbolic::Expression> parsed_;  ///< by text
};

c10::Device read_device(const Field& device);

}  // namespace tracejet::pt2
