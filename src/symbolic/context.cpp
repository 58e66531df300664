#include "symbolic/context.h"

#include <utility>

#include "base/error.h"
#include "symbolic/advice.h"
#include "symbolic/node.h"
#include "symbolic/sym_node.h"

namespace tracejet::symbolic {

namespace {

/// `what`: "the condition ", "the number ".
[[noreturn]] void throw_data_dependent(const std::string& what, const Expression& open) {
  std::string names;
  for (const Symbol& symbol : symbols_of(open)) {
    if (!symbol.backed) names += (names.empty() ? "" : ", ") + symbol.name;
  }
  throw DataDependent(what + open.str() + " depends on data that is known only when the program runs (" + names +
                      " comes from a call like .item(), nonzero or unique).\n  " + advice_on(open));
}

}  // namespace

std::shared_ptr<Context> Context::create(Locate locate, IsAsserted is_asserted) {
  return std::shared_ptr<Context>(new Context(std::move(locate), std::move(is_asserted)));
}

Expression Context::symbol(std::string name, Range range, int64_t hint) {
  const Reading alone(*this);
  if (!range.contains(hint)) {
    throw InvalidInput("the hint " + std::to_string(hint) + " of " + name + " is outside of its range [" +
                       std::to_string(range.min) + ", " + std::to_string(range.max) + "]");
  }
  if (!names_.insert(name).second) throw InvalidInput("there is a symbol named " + name + " already");
  symbols_.push_back({std::move(name), range, hint, /*backed=*/true, next_symbol_id()});
  return Expression::of(symbols_.back());
}

namespace {

thread_local Context* current_context = nullptr;

}  // namespace

Context* Context::current() { return current_context; }

Context::Current::Current(Context& context) : before_(std::exchange(current_context, &context)) {}

Context::Current::~Current() { current_context = before_; }

Expression Context::unbacked(std::string_view prefix, Range range) { return add_unbacked(prefix, range, false); }
Expression Context::unbacked_float() { return add_unbacked("f", Range::all(), true); }

Expression Context::add_unbacked(std::string_view prefix, Range range, bool is_float) {
  const Reading alone(*this);
  std::string name;
  do {
    name = std::string(prefix) + std::to_string(next_unbacked_++);
  } while (!names_.insert(name).second);
  symbols_.push_back({std::move(name), range, /*hint=*/0, /*backed=*/false, next_symbol_id(), is_float});
  return Expression::of(symbols_.back());
}

c10::SymInt Context::sym_int(const Expression& expression) {
  const Expression simple = simplified(expression);
  return simple.is_constant() ? c10::SymInt(simple.constant()) : c10::SymInt(make_sym_node(simple, *this));
}

c10::SymFloat Context::sym_float(const Expression& expression) {
  const Expression simple = simplified(expression);
  return simple.is_constant() ? c10::SymFloat(simple.real()) : c10::SymFloat(make_sym_node(simple, *this));
}

namespace {

/// Whether a size is 0 or 1, which PyTorch asks to spare itself work: "no", also of a size computed from others, unless
/// it is so in the example.
std::optional<bool> answer_unlike_special_sizes(const Condition& open) {
  const bool is_equality = open.kind() == Kind::kEqual || open.kind() == Kind::kNotEqual;
  if (!is_equality || !open.has_hint() || !open.operands()[1].is_int() || !open.operands()[1].is_constant()) return {};
  const int64_t special = open.operands()[1].constant();
  const bool is_equal = (open.hint() != 0) == (open.kind() == Kind::kEqual);
  if (is_equal || (special != 0 && special != 1)) return {};
  return open.kind() == Kind::kNotEqual;
}

}  // namespace

bool Context::guard(const Condition& condition, Guard::Kind when_oblivious) {
  const Reading alone(*this);
  if (const auto known = decide(condition)) {
    if (!guards_.empty() && !condition.is_constant()) note_repeated(*known ? condition : logical_not(condition));
    return *known;
  }
  const Condition open = simplified(condition);
  auto general = size_oblivious_answer(open);
  if (!general && when_oblivious != Guard::Kind::kSizeBranch) general = answer_unlike_special_sizes(open);
  if (when_oblivious == Guard::Kind::kRequirement && general == false) return false;
  if (general) {
    const Condition assumed = *general ? open : logical_not(open);
    // No trace at a size of 0 or 1 can show that a branch on data makes no difference there.
    if (when_oblivious == Guard::Kind::kSizeBranch && is_data_dependent(open)) {
      record(assumed, Guard::Kind::kAssertion);
    } else {
      add_guard(assumed, when_oblivious);
    }
    return *general;
  }
  if (is_data_dependent(open)) {
    const bool is_promised = when_oblivious == Guard::Kind::kSizeBranch && is_asserted_ && is_asserted_();
    if (!is_promised) throw_data_dependent("the condition ", open);
    record(open, Guard::Kind::kAssertion);
    return true;
  }
  const bool value = open.hint() != 0;
  const bool is_demand = value && when_oblivious == Guard::Kind::kRequirement;
  record(value ? open : logical_not(open), is_demand ? kind_of_demand() : Guard::Kind::kRelation);
  return value;
}

std::optional<bool> Context::size_oblivious_answer(const Condition& open) {
  if (const auto seen = size_oblivious_.find(open); seen != size_oblivious_.end()) return seen->second;
  const auto answer = decide_from_two(open);
  if (answer) size_oblivious_.emplace(open, *answer);
  return answer;
}

int64_t Context::guard_int(const Expression& expression) {
  const Reading alone(*this);
  const Expression open = simplified(expression);
  if (open.is_constant()) {
    note_repeated_number(expression);
    return open.constant();
  }
  if (is_data_dependent(open)) throw_data_dependent("the number ", open);
  record(equal(open, open.hint()), Guard::Kind::kSpecialization);
  return open.hint();
}

double Context::guard_float(const Expression& expression) {
  const Reading alone(*this);
  const Expression open = simplified(expression);
  if (open.is_constant()) {
    note_repeated_number(expression);
    return open.real();
  }
  if (is_data_dependent(open)) throw_data_dependent("the number ", open);
  // A float that comes from one size alone is fixed by fixing the size, which is what a user can act upon.
  const auto symbols = symbols_of(open);
  if (symbols.size() == 1) {
    record(equal(Expression::of(symbols.front()), symbols.front().hint), Guard::Kind::kSpecialization);
  } else {
    record(equal(open, Expression::real(open.real_hint())), Guard::Kind::kSpecialization);
  }
  return open.real_hint();
}

bool Context::expect(const Condition& condition) {
  const Reading alone(*this);
  if (const auto known = decide(condition)) return *known;
  const Condition open = simplified(condition);
  if (is_data_dependent(open)) {
    record(open, Guard::Kind::kAssertion);
    return true;
  }
  if (open.hint() == 0) return false;
  record(open, kind_of_demand());
  return true;
}

Guard::Kind Context::kind_of_demand() const {
  return runs_ == Runs::kPerhaps ? Guard::Kind::kAssertion : Guard::Kind::kRelation;
}

void Context::record(const Condition& condition, Guard::Kind kind) {
  if (condition.is_constant()) return;
  add_guard(condition, kind);
  assume(condition);
}

void Context::assume(const Condition& condition) {
  facts_.assumed.push_back(condition);
  learn(condition);
  facts_changed();
}

Context::Branch::Branch(Context& context, Runs runs)
    : context_(context), first_guard_(context.guards_.size()), before_(context.facts_), runs_before_(context.runs_) {
  if (runs == Runs::kPerhaps) context.runs_ = runs;
}

Context::Branch::~Branch() { context_.runs_ = runs_before_; }

std::vector<Guard> Context::Branch::close() {
  std::vector<Guard> assertions;
  bool is_something_forgotten = false;  // nothing follows from requirements
  for (size_t i = first_guard_; i < context_.guards_.size(); ++i) {
    Guard& guard = context_.guards_[i];
    const bool is_known = guard.kind == Guard::Kind::kAssertion;
    if (!is_known && guard.kind != Guard::Kind::kRequirement) continue;
    assertions.push_back(guard);
    context_.guards_of(guard.kind).erase(guard.condition);
    guard.kind = Guard::Kind::kInBranch;
    is_something_forgotten |= is_known;
  }
  if (!is_something_forgotten) return assertions;
  context_.facts_ = before_;
  context_.facts_changed();
  for (size_t i = first_guard_; i < context_.guards_.size(); ++i) {
    const Guard::Kind kind = context_.guards_[i].kind;
    const bool holds_everywhere = kind == Guard::Kind::kRelation || kind == Guard::Kind::kSpecialization;
    if (holds_everywhere) context_.assume(context_.guards_[i].condition);
  }
  return assertions;
}

Context::Trial::Trial(Context& context)
    : context_(context), alone_(context), first_guard_(context.guards_.size()), before_(context.facts_) {}

Context::Trial::~Trial() {
  const auto is_of_trial = [&](const auto& entry) { return entry.second >= first_guard_; };
  for (auto* guards : {&context_.zero_one_guards_, &context_.requirements_, &context_.guard_of_}) {
    std::erase_if(*guards, is_of_trial);
  }
  std::erase_if(context_.specialization_of_, is_of_trial);
  context_.guards_.erase(context_.guards_.begin() + static_cast<std::ptrdiff_t>(first_guard_), context_.guards_.end());
  context_.facts_ = std::move(before_);
  context_.facts_changed();
}

void Context::add_guard(const Condition& condition, Guard::Kind kind) {
  auto& known_guards = guards_of(kind);
  const auto [known, is_new] = known_guards.try_emplace(condition, guards_.size());
  if (!is_new) return &known_guards == &guard_of_ ? note_again(known->second) : void();
  if (kind == Guard::Kind::kSpecialization) {
    for (const Symbol& symbol : symbols_of(condition)) specialization_of_.try_emplace(symbol.id, guards_.size());
  }
  guards_.push_back({condition, kind, {}});
  note_again(known->second);
}

std::unordered_map<Condition, size_t>& Context::guards_of(Guard::Kind kind) {
  if (kind == Guard::Kind::kZeroOne) return zero_one_guards_;
  return kind == Guard::Kind::kRequirement ? requirements_ : guard_of_;
}

void Context::name_requirements(size_t first_guard, const std::string& op) {
  const Reading alone(*this);
  for (Guard& guard : std::span(guards_).subspan(first_guard)) {
    if (guard.kind == Guard::Kind::kRequirement && guard.op.empty()) guard.op = op;
  }
}

void Context::note_again(size_t guard) {
  constexpr size_t kMostLines = 8;  // enough to see the pattern: a layer may ask as often as it is there
  std::vector<Location>& where = guards_[guard].where;
  if (locate_ && where.size() < kMostLines) where.push_back(locate_());
}

void Context::note_repeated(const Condition& assumed) {
  if (const auto known = guard_of_.find(assumed); known != guard_of_.end()) note_again(known->second);
}

void Context::note_repeated_number(const Expression& expression) {
  if (expression.is_constant() || specialization_of_.empty()) return;
  for (const Symbol& symbol : symbols_of(expression)) {
    const auto known = specialization_of_.find(symbol.id);
    if (known != specialization_of_.end()) return note_again(known->second);
  }
}

}  // namespace tracejet::symbolic
