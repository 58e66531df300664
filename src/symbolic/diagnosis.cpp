// From guards to what they ask of the declared sizes. Each answer can settle other guards (a size that must be 4 makes
// `s0 == 2 * s1` a fixed size too), so guards are put in again until nothing changes.
#include "symbolic/diagnosis.h"

#include <algorithm>

#include "symbolic/node.h"
#include "symbolic/solve.h"

namespace tracejet::symbolic {
namespace {

/// Declared sizes that have to be equal; most stand alone.
struct Group {
  Symbol symbol;  ///< the first one
  Range range;    ///< what the guards leave
  std::vector<size_t> members;
  std::vector<size_t> narrowed_by;  ///< guards
  std::vector<size_t> joined_by;
};

/// A guard that isn't a conjunction.
struct Part {
  Condition condition;
  size_t guard;
};

class Diagnostician {
 public:
  Diagnostician(const Context& context, const DiagnosisOptions& options) : context_(context), options_(options) {
    for (const Symbol& symbol : context.symbols()) {
      if (!symbol.backed) continue;
      declared_.push_back(symbol);
      group_of_[symbol.id] = groups_.size();
      groups_.push_back({symbol, symbol.range, {groups_.size()}, {}, {}});
    }
    for (size_t i = 0; i < context.guards().size(); ++i) {
      const bool is_about_small_sizes = is_zero_one(i) || kind_of(i) == Guard::Kind::kSizeBranch;
      const bool is_settled = kind_of(i) == Guard::Kind::kInBranch;
      if (is_about_small_sizes || is_settled) continue;
      split(context.guards()[i].condition, i, kind_of(i) == Guard::Kind::kRequirement ? requirements_ : parts_);
    }
  }

  Diagnosis run() && {
    while (std::ranges::any_of(parts_, [this](const Part& part) { return apply(part); })) {
    }
    result_.verdicts.assign(context_.guards().size(), Verdict::kProven);
    for (const Part& part : parts_) assert_if_open(part);
    for (const Part& part : requirements_) assert_if_open(part);
    report_groups();
    for (size_t i = 0; i < context_.guards().size(); ++i) {
      if (is_zero_one(i)) result_.verdicts[i] = Verdict::kGeneral;
      if (kind_of(i) == Guard::Kind::kSizeBranch && !options_.harmless.contains(i)) report_branch(i);
    }
    for (const Problem& problem : result_.problems) {
      for (const size_t guard : problem.guards) result_.verdicts[guard] = Verdict::kViolation;
    }
    std::ranges::stable_sort(result_.problems, {}, [](const Problem& problem) { return problem.guards.front(); });
    correct();
    return std::move(result_);
  }

 private:
  Guard::Kind kind_of(size_t guard) const { return context_.guards()[guard].kind; }
  bool is_zero_one(size_t guard) const { return kind_of(guard) == Guard::Kind::kZeroOne; }

  static void split(const Condition& condition, size_t guard, std::vector<Part>& parts) {
    if (condition.kind() != Kind::kAnd) return parts.push_back({condition, guard});
    for (const Condition& part : condition.operands()) split(part, guard, parts);
  }

  Group& group(const Symbol& symbol) { return groups_[group_of_.at(symbol.id)]; }

  /// The condition with what is known by now put in.
  Condition now(const Condition& condition) {
    return substitute(condition, [this](const Expression& symbol) -> Expression {
      if (!symbol.symbol().backed) return symbol;
      const Group& known = group(symbol.symbol());
      if (known.range.is_single()) return known.range.min;
      Symbol limited = known.symbol;
      limited.range = known.range;
      return Expression::of(std::move(limited));
    });
  }

  /// Draws the conclusion from a guard, if there is one yet to be drawn.
  bool apply(const Part& part) {
    const Condition condition = now(part.condition);
    if (condition.is_constant() || is_data_dependent(condition)) return false;
    const auto symbols = symbols_of(condition);
    if (symbols.size() == 1) {
      const auto range = as_range(condition, symbols.front());
      if (range) return narrow(symbols.front(), *range, part.guard);
    }
    if (condition.kind() == Kind::kEqual && condition.operands()[0].is_symbol() &&
        condition.operands()[1].is_symbol()) {
      return join(symbols[0], symbols[1], part.guard);
    }
    const bool wants_number = kind_of(part.guard) == Guard::Kind::kSpecialization && symbols.size() > 1;
    if (!wants_number && options_.prefer_deferred_runtime_asserts_over_guards) return false;
    if (!wants_number) add_relation(condition, symbols, part.guard);
    for (const Symbol& symbol : symbols) {
      Group& fixed = group(symbol);
      fixed.range = Range::of(fixed.symbol.hint);
      if (wants_number) fixed.narrowed_by.push_back(part.guard);
    }
    return true;
  }

  /// The range that a condition on one symbol amounts to; nullopt where there are gaps in it.
  std::optional<Range> as_range(const Condition& condition, const Symbol& symbol) {
    const auto solution = solve(condition, symbol, group(symbol).range);
    return solution && solution->size() == 1 ? std::optional(solution->front()) : std::nullopt;
  }

  bool narrow(const Symbol& symbol, Range range, size_t guard) {
    Group& narrowed = group(symbol);
    if (narrowed.range == range) return false;
    narrowed.range = range;
    narrowed.narrowed_by.push_back(guard);
    return true;
  }

  bool join(const Symbol& a, const Symbol& b, size_t guard) {
    const size_t kept = std::min(group_of_.at(a.id), group_of_.at(b.id));
    const size_t given_up = std::max(group_of_.at(a.id), group_of_.at(b.id));
    Group& into = groups_[kept];
    Group& from = groups_[given_up];
    into.range = intersect(into.range, from.range);
    const auto move_to = [](std::vector<size_t>& target, std::vector<size_t>& source) {
      target.insert(target.end(), source.begin(), source.end());
      source.clear();
    };
    move_to(into.members, from.members);
    move_to(into.narrowed_by, from.narrowed_by);
    move_to(into.joined_by, from.joined_by);
    into.joined_by.push_back(guard);
    for (const size_t member : into.members) group_of_[declared_[member].id] = kept;
    return true;
  }

  void add_relation(const Condition& condition, const std::vector<Symbol>& symbols, size_t guard) {
    Problem problem{Problem::Kind::kRelation, condition, {}, Range::all(), {guard}};
    for (const Symbol& symbol : symbols) problem.symbols.push_back(group(symbol).symbol);
    result_.problems.push_back(std::move(problem));
  }

  void assert_if_open(const Part& part) {
    const Condition condition = now(part.condition);
    if (condition.is_constant()) return;
    const auto symbols = symbols_of(condition);
    if (symbols.size() == 1 && symbols.front().backed) {
      const auto range = as_range(condition, symbols.front());
      if (range && *range == group(symbols.front()).range) return;
    }
    result_.assertions.push_back({part.condition, part.guard});
    result_.verdicts[part.guard] = Verdict::kAsserted;
  }

  void report_groups() {
    for (const Group& known : groups_) {
      if (!known.joined_by.empty()) {
        Problem problem{Problem::Kind::kEqualSizes, first_condition(known.joined_by), {}, known.range, known.joined_by};
        for (const size_t member : known.members) problem.symbols.push_back(declared_[member]);
        add(std::move(problem));
      }
      if (!known.narrowed_by.empty()) {
        const auto kind = known.range.is_single() ? Problem::Kind::kFixedSize : Problem::Kind::kNarrowerRange;
        add({kind, first_condition(known.narrowed_by), {known.symbol}, known.range, known.narrowed_by});
      }
    }
  }

  Condition first_condition(const std::vector<size_t>& guards) const {
    return context_.guards()[std::ranges::min(guards)].condition;
  }

  void add(Problem problem) {
    std::ranges::sort(problem.guards);
    const auto repeated = std::ranges::unique(problem.guards);
    problem.guards.erase(repeated.begin(), repeated.end());
    result_.problems.push_back(std::move(problem));
  }

  /// A branch of the model's code that only sizes of 0 and 1 take.
  void report_branch(size_t guard) {
    const Condition condition = now(context_.guards()[guard].condition);
    if (condition.is_constant()) return;
    for (const Symbol& symbol : symbols_of(condition)) {
      if (!symbol.backed) continue;
      Group& known = group(symbol);
      const Range range = general_range(condition, known);
      if (range == known.range) continue;
      const auto reported = std::ranges::find_if(result_.problems, [&](const Problem& problem) {
        return problem.kind == Problem::Kind::kSizeBranch && problem.symbols.front().id == known.symbol.id;
      });
      if (reported == result_.problems.end()) {
        result_.problems.push_back(
            {Problem::Kind::kSizeBranch, context_.guards()[guard].condition, {known.symbol}, range, {guard}});
      } else {
        reported->guards.push_back(guard);
        reported->range = intersect(reported->range, range);
      }
    }
  }

  /// The sizes round the traced one where a branch is taken as it was traced.
  static Range general_range(const Condition& condition, const Group& known) {
    if (symbols_of(condition).size() == 1) {
      if (const auto solution = solve(condition, known.symbol, known.range)) {
        for (const Range& range : *solution) {
          if (range.contains(known.symbol.hint)) return range;
        }
      }
    }
    return {std::max<int64_t>(known.range.min, 2), known.range.max};
  }

  void correct() {
    for (const Problem& problem : result_.problems) {
      if (problem.kind != Problem::Kind::kSizeBranch) continue;
      Range& range = group(problem.symbols.front()).range;
      range = intersect(range, problem.range);
    }
    for (const Symbol& symbol : declared_) {
      const size_t index = group_of_.at(symbol.id);
      result_.corrections.push_back({symbol, groups_[index].range, index});
    }
  }

  const Context& context_;
  const DiagnosisOptions& options_;
  std::vector<Symbol> declared_;
  std::vector<Group> groups_;
  std::unordered_map<uint64_t, size_t> group_of_;  ///< by the id of a symbol
  std::vector<Part> parts_;
  std::vector<Part> requirements_;  ///< that only sizes of 0 and 1 fail: these aren't declared away
  Diagnosis result_;
};

}  // namespace

Diagnosis diagnose(const Context& context, const DiagnosisOptions& options) {
  return Diagnostician(context, options).run();
}

std::vector<SmallSize> small_sizes(const Context& context) {
  std::vector<SmallSize> sizes;
  for (size_t i = 0; i < context.guards().size(); ++i) {
    const Guard& guard = context.guards()[i];
    if (guard.kind != Guard::Kind::kSizeBranch) continue;
    const auto symbols = symbols_of(guard.condition);
    for (const Symbol& symbol : context.symbols()) {
      const bool takes_part = std::ranges::any_of(symbols, [&](const Symbol& other) { return other.id == symbol.id; });
      if (!takes_part || !symbol.backed) continue;
      for (int64_t size = std::max<int64_t>(symbol.range.min, 0); size < 2; ++size) {
        const auto solution = solve(guard.condition, symbol, Range::of(size));
        const bool matters = symbols.size() > 1 || !solution || solution->empty();
        if (matters) sizes.push_back({i, symbol, size});
      }
    }
  }
  return sizes;
}

}  // namespace tracejet::symbolic
