#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

#include "capture/known_modules.h"
#include "capture/scopes.h"
#include "capture/trace_guards.h"
#include "symbolic/expression.h"

namespace tracejet {

/// Dynamic sizes for code of PyTorch's own that only takes plain numbers (see known_modules.h): large numbers that
/// stand for them. Those of equal sizes are equal, those of other sizes aren't, and whatever is made of them is known
/// again when it is handed to an operator.
class PlainSizes {
 public:
  // NOLINTNEXTLINE(bugprone-random-generator-seed): the numbers are to be the same in every run
  PlainSizes(const Scopes& scopes, const TraceGuards& guards) : scopes_(scopes), guards_(guards) {}
  PlainSizes(const PlainSizes&) = delete;
  PlainSizes& operator=(const PlainSizes&) = delete;

  /// For the sizes of a tensor; they live as long as the trace.
  c10::IntArrayRef of(c10::SymIntArrayRef sizes);
  /// Puts the sizes themselves into the arguments of a call. Throws UnsupportedOperator, naming the axes, where one
  /// isn't known again, or the operator takes no symbols.
  void restore(const c10::OperatorHandle& op, torch::jit::Stack& stack) const;
  bool empty() const { return sizes_.empty(); }
  /// A message of PyTorch's with the sizes in the place of the numbers.
  std::string in_words(const std::string& message) const;
  /// The axes that numbers stand for: "x[0], mask[1]".
  std::string axes() const;

 private:
  int64_t number_of(const symbolic::Expression& size);
  int64_t fresh_number();
  /// What was made of a size, by a multiple and an addend up to these; nothing where it isn't clear.
  std::optional<symbolic::Expression> size_of(int64_t number, int64_t most_multiple, int64_t most_addend) const;
  void restore(const c10::Argument& declared, c10::IValue& argument) const;
  /// "x[0]" where it is an axis.
  std::string name_of(const symbolic::Expression& size) const;

  const Scopes& scopes_;
  const TraceGuards& guards_;
  std::unordered_map<symbolic::Expression, int64_t> numbers_;
  std::unordered_map<int64_t, symbolic::Expression> sizes_;
  std::mt19937_64 random_;  ///< the same in every run
  std::deque<std::vector<int64_t>> handed_out_;
};

}  // namespace tracejet
