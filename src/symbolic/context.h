#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <c10/core/SymBool.h>
#include <c10/core/SymFloat.h>
#include <c10/core/SymInt.h>

#include "symbolic/expression.h"
#include "symbolic/guard.h"

namespace tracejet::symbolic {

/// The size of its range [min, max] that a dynamic axis is traced at: `opt`, or another one where that is 0 or 1, which
/// behave unlike other sizes (broadcasting, contiguity).
constexpr int64_t size_oblivious_hint(int64_t min, int64_t opt, int64_t max) {
  return opt > 1 || max < 2 ? opt : std::max<int64_t>(min, 2);
}

/// The symbols of one trace and what has been assumed of them.
///
/// Every guard is a fact from then on: it tightens ranges, identifies symbols, makes sizes divisible, and so decides
/// later questions without another guard. Always owned by a shared_ptr: the SymInts that it hands out keep it alive.
///
/// Several threads may ask at once, as those do that compile or edit one program. What gives a span is for the thread
/// that traces, or is held by a Reading.
class Context : public std::enable_shared_from_this<Context> {
  /// s is modulus * t + residue, where t is a hidden symbol: only used to decide, never shown.
  struct Multiple {
    int64_t modulus;
    int64_t residue;
    uint64_t hidden_id;
  };

  /// All that is known of symbols; what else there is follows from it.
  struct Facts {
    /// By symbol id: what stands for it now (itself with a narrower range, another expression, a number).
    std::unordered_map<uint64_t, Expression> replacements;
    std::unordered_map<uint64_t, Multiple> multiples;
    /// What was assumed, as it is after the replacements.
    std::vector<Condition> assumed;
  };

 public:
  using Locate = std::function<Location()>;
  using IsAsserted = std::function<bool()>;

  /// `locate` is asked for the current line at every guard. `is_asserted` is asked when the model's code needs the
  /// truth of a condition that depends on data: whether it gives up at once if the condition is false (`assert
  /// condition`).
  static std::shared_ptr<Context> create(Locate locate = {}, IsAsserted is_asserted = {});

  /// The context that new symbols of a shape rule belong to; null while none is at work on this thread.
  static Context* current();
  /// Makes a context the current one while it lives.
  class Current {
   public:
    explicit Current(Context& context);
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
    ~Current();

   private:
    Context* before_;
  };

  /// Whether code runs in each run of a program.
  enum class Runs { kAlways, kPerhaps };

  /// While control flow runs code that the program may not run, or run later: what that code asserts of data holds
  /// there only, and so does what it demands of sizes where it runs perhaps.
  class Branch {
   public:
    Branch(Context& context, Runs runs);
    Branch(const Branch&) = delete;
    Branch& operator=(const Branch&) = delete;
    ~Branch();
    /// The assertions that were made, none of which is known from here on.
    std::vector<Guard> close();

   private:
    Context& context_;
    size_t first_guard_;
    Facts before_;
    Runs runs_before_;
  };

  /// While it lives, no other thread adds guards or symbols.
  class Reading {
   public:
    explicit Reading(const Context& context) : lock_(context.mutex_) {}

   private:
    std::lock_guard<std::recursive_mutex> lock_;
  };

  /// While code runs that may turn out not to be wanted: nothing that it asked is known afterwards. Other threads wait.
  class Trial {
   public:
    explicit Trial(Context& context);
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;
    ~Trial();
    /// What it has assumed.
    std::span<const Guard> guards() const { return std::span(context_.guards_).subspan(first_guard_); }

   private:
    Context& context_;
    Reading alone_;
    size_t first_guard_;
    Facts before_;
  };

  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// A dimension or number of an input. `name` has to be new, `hint` within `range`.
  Expression symbol(std::string name, Range range, int64_t hint);
  /// A data-dependent value: `prefix` and a running number.
  Expression unbacked(std::string_view prefix = "u", Range range = {0, kInfinity});
  /// A data-dependent float.
  Expression unbacked_float();

  std::span<const Guard> guards() const { return guards_; }
  /// All symbols in the order they were made in, with the ranges they were declared with.
  std::span<const Symbol> symbols() const { return symbols_; }

  /// Plain numbers when constant.
  c10::SymInt sym_int(const Expression& expression);
  c10::SymFloat sym_float(const Expression& expression);

  // What is known; never a guard ---------------------------------------------------------------------------------
  /// `expression` with the facts put in: s for a t that was assumed equal to it, 4 for an s specialised to 4.
  Expression simplified(const Expression& expression);
  /// Where the value lies, given the facts.
  Range range(const Expression& expression);
  /// Whether the condition is always true, always false, or (nullopt) neither is known.
  std::optional<bool> decide(const Condition& condition);
  /// Like decide, where sizes that aren't known are taken to be at least 2; nullopt when that doesn't help.
  std::optional<bool> decide_size_oblivious(const Condition& condition);

  // What becomes known -------------------------------------------------------------------------------------------
  /// The condition's value, if need be that of the traced example, which is then recorded as a guard. A condition
  /// that only sizes of 0 and 1 can change is decided for all others, and nothing is learned from it: expressions stay
  /// right at 0 and 1.
  /// Throws DataDependent when it is open and an unbacked symbol takes part.
  bool guard(const Condition& condition) { return guard(condition, Guard::Kind::kZeroOne); }
  /// The same, asked by the model's own code (`if size == 1:`). A condition on data is taken for granted and recorded,
  /// as by expect(), where the code asserts it or where only sizes of 0 and 1 can change it.
  bool guard_branch(const Condition& condition) { return guard(condition, Guard::Kind::kSizeBranch); }
  /// The same of a condition without which an operator refuses the call. Where only sizes of 0 and 1 can fail it, the
  /// program checks it when it runs.
  bool require(const Condition& condition) { return guard(condition, Guard::Kind::kRequirement); }
  /// Says which operator made the requirements from this guard on that nobody is named for yet.
  void name_requirements(size_t first_guard, const std::string& op);
  /// The number on the traced example, recorded as a specialisation. Throws DataDependent like guard.
  int64_t guard_int(const Expression& expression);
  double guard_float(const Expression& expression);
  /// What torch._check(condition) means: false if it can't hold, otherwise it is taken for granted (and recorded).
  bool expect(const Condition& condition);

 private:
  Context(Locate locate, IsAsserted is_asserted) : locate_(std::move(locate)), is_asserted_(std::move(is_asserted)) {}

  Expression add_unbacked(std::string_view prefix, Range range, bool is_float);

  /// `when_oblivious`: what a condition is that only sizes of 0 and 1 can change.
  bool guard(const Condition& condition, Guard::Kind when_oblivious);
  void record(const Condition& condition, Guard::Kind kind);
  /// What is demanded of sizes, where it is known in the example.
  Guard::Kind kind_of_demand() const;
  void assume(const Condition& condition);
  void add_guard(const Condition& condition, Guard::Kind kind);
  std::unordered_map<Condition, size_t>& guards_of(Guard::Kind kind);
  void note_again(size_t guard);
  /// Notes the line where an answer was asked for that an earlier guard gives.
  void note_repeated(const Condition& assumed);
  void note_repeated_number(const Expression& expression);
  std::optional<bool> decide_from_two(const Condition& open);
  std::optional<bool> size_oblivious_answer(const Condition& open);
  void learn(const Condition& assumed);
  void learn_equal(const Expression& a, const Expression& b);
  void learn_multiple(const Expression& dividend, int64_t modulus, int64_t residue);
  void learn_not_negative(const Expression& difference);
  void learn_different(const Expression& a, const Expression& b);
  void narrow(const Expression& symbol, Range range);
  void replace(const Expression& symbol, const Expression& by);
  void facts_changed();

  Expression with_multiples(const Expression& expression) const;
  std::optional<bool> decide_open(const Condition& condition);
  std::optional<bool> decide_relation(const Condition& condition);
  bool is_never_negative(const Expression& difference);

  /// As simplified(), with the lock.
  Expression with_facts(const Expression& expression);

  Locate locate_;
  IsAsserted is_asserted_;
  mutable std::recursive_mutex mutex_;
  std::atomic<bool> has_replacements_ = false;  ///< Whether there is anything to put in, told without the lock.
  std::vector<Symbol> symbols_;
  std::unordered_set<std::string> names_;
  std::vector<Guard> guards_;
  std::unordered_map<Condition, bool> size_oblivious_;      ///< Answers for sizes from 2; no facts.
  std::unordered_map<Condition, size_t> zero_one_guards_;   ///< Those of kind kZeroOne, by their condition.
  std::unordered_map<Condition, size_t> requirements_;      ///< Those of kind kRequirement.
  std::unordered_map<Condition, size_t> guard_of_;          ///< All others.
  std::unordered_map<uint64_t, size_t> specialization_of_;  ///< By the id of a symbol that became a number.
  int64_t next_unbacked_ = 0;
  Runs runs_ = Runs::kAlways;

  Facts facts_;
  /// What was assumed, and of inequalities the difference that isn't negative.
  std::unordered_map<Condition, bool> known_;
  std::vector<Expression> not_negative_;
  /// Results since the last fact.
  std::unordered_map<Expression, Expression> simplified_;
  std::unordered_map<Condition, std::optional<bool>> decided_;
};

}  // namespace tracejet::symbolic
