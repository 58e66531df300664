// Which sizes satisfy a condition: halves the range until every part is decided.
#include "symbolic/solve.h"

#include <algorithm>

#include "base/error.h"
#include "symbolic/node.h"

namespace tracejet::symbolic {
namespace {

constexpr size_t kMostRanges = 4;

class Solver {
 public:
  Solver(const Condition& condition, const Symbol& symbol) : condition_(condition), symbol_(symbol) {}

  /// False when it gave up.
  bool search(Range part) {
    constexpr int64_t kOperatorsPerTry = 64;
    budget_ -= 1 + static_cast<int64_t>(condition_.node().size) / kOperatorsPerTry;
    if (budget_ < 0 || found_.size() > kMostRanges) return false;
    if (part.min == part.max) {
      if (holds_at(part.min)) add(part);
      return true;
    }
    const Condition narrowed = substitute(
        condition_, [&](const Expression& other) { return other.symbol().id == symbol_.id ? limited(part) : other; });
    if (narrowed.is_constant()) {
      if (narrowed.truth()) add(part);
      return true;
    }
    // Small sizes are what people declare, so an open end is approached from below.
    if (part.max == kInfinity && part.min > kInfinity / 4) return false;
    const int64_t middle =
        part.max == kInfinity ? std::max<int64_t>(2 * part.min, 1) : part.min + (part.max - part.min) / 2;
    return search({part.min, middle}) && search({middle + 1, part.max});
  }

  std::vector<Range> found() && { return std::move(found_); }

 private:
  Expression limited(Range part) const {
    Symbol symbol = symbol_;
    symbol.range = part;
    return Expression::of(std::move(symbol));
  }

  bool holds_at(int64_t value) const {
    try {
      return holds(condition_, [value](const Symbol&) { return value; });
    } catch (const Error&) {  // a division by zero, an overflow: eager PyTorch fails there too
      return false;
    }
  }

  void add(Range part) {
    if (!found_.empty() && found_.back().max + 1 == part.min) {
      found_.back().max = part.max;
    } else {
      found_.push_back(part);
    }
  }

  const Condition& condition_;
  const Symbol& symbol_;
  std::vector<Range> found_;
  int64_t budget_ = 4096;
};

}  // namespace

std::optional<std::vector<Range>> solve(const Condition& condition, const Symbol& symbol, Range within) {
  Solver solver(condition, symbol);
  if (!solver.search(within)) return std::nullopt;
  auto ranges = std::move(solver).found();
  return ranges.size() > kMostRanges ? std::nullopt : std::optional(std::move(ranges));
}

}  // namespace tracejet::symbolic
