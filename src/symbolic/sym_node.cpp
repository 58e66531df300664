#include "symbolic/sym_node.h"

#include <typeinfo>

#include "base/error.h"
#include "symbolic/asker.h"
#include "symbolic/cpp_division.h"
#include "symbolic/forced_branches.h"
#include "symbolic/layout.h"
#include "symbolic/node.h"
#include "symbolic/steps.h"

namespace tracejet::symbolic {
namespace {

using c10::SymNode;

class SymbolicNode : public c10::SymNodeImpl {
 public:
  SymbolicNode(Expression expression, std::shared_ptr<Context> context, bool is_fixed = false)
      : expression_(std::move(expression)), context_(std::move(context)), is_fixed_(is_fixed) {}

  Expression value() const { return is_fixed_ ? expression_ : context_->simplified(expression_); }
  const Expression& as_made() const { return expression_; }
  const std::shared_ptr<Context>& context() const { return context_; }

  bool is_int() override { return expression_.is_int(); }
  bool is_float() override { return expression_.is_float(); }
  bool is_bool() override { return expression_.is_bool(); }

  SymNode add(const SymNode& other) override {
    return arithmetic(other, [](const auto& a, const auto& b) { return a + b; }, Kind::kAdd);
  }
  SymNode sub(const SymNode& other) override {
    return arithmetic(other, [](const auto& a, const auto& b) { return a - b; }, Kind::kSubtract);
  }
  SymNode mul(const SymNode& other) override {
    return arithmetic(other, [](const auto& a, const auto& b) { return a * b; }, Kind::kMultiply);
  }
  SymNode mod(const SymNode& other) override {
    if (is_divided_by_cpp(other)) {
      const StepLimit limit(StepLimit::kOperation);
      return wrap(truncated_mod(value(), operand(other)));
    }
    return arithmetic(other, [](const auto& a, const auto& b) { return symbolic::mod(a, b); }, Kind::kFloatMod);
  }
  SymNode truediv(const SymNode& other) override {
    const StepLimit limit(StepLimit::kOperation);
    const auto [a, b] = promoted(other);
    return wrap(true_div(a, b));
  }
  SymNode floordiv(const SymNode& other) override {
    const StepLimit limit(StepLimit::kOperation);
    if (is_divided_by_cpp(other)) return wrap(truncated_div(value(), operand(other)));
    const auto [a, b] = promoted(other);
    if (a.is_int()) return wrap(floor_div(a, b));
    return wrap(to_float(to_int(Kind::kFloor, true_div(a, b))));
  }
  SymNode pow(const SymNode& other) override {
    const StepLimit limit(StepLimit::kOperation);
    const auto [a, b] = promoted(other);
    if (a.is_int() && (!b.is_constant() || b.constant() >= 0)) return wrap(power(a, b));
    return wrap(float_binary(Kind::kFloatPower, to_float(a), to_float(b)));
  }
  SymNode float_pow(const SymNode& other) override {
    return wrap(float_binary(Kind::kFloatPower, to_float(value()), to_float(operand(other))));
  }
  SymNode pow_by_natural(const SymNode& other) override {
    const StepLimit limit(StepLimit::kOperation);
    return wrap(power(value(), operand(other)));
  }
  SymNode neg() override {
    const StepLimit limit(StepLimit::kOperation);
    const Expression a = number();
    return wrap(a.is_float() ? float_negate(a) : -a);
  }
  SymNode sym_min(const SymNode& other) override {
    return compared(other, [](const auto& a, const auto& b) { return symbolic::min(a, b); });
  }
  SymNode sym_max(const SymNode& other) override {
    return compared(other, [](const auto& a, const auto& b) { return symbolic::max(a, b); });
  }
  SymNode ceil() override { return wrap(to_int(Kind::kCeil, number())); }
  SymNode floor() override { return wrap(to_int(Kind::kFloor, number())); }
  SymNode sym_float() override { return wrap(to_float(value())); }

  SymNode eq(const SymNode& other) override {
    if (is_bool() && operand(other).is_bool()) return wrap(equal(value(), operand(other)));
    return compared(other, equal);
  }
  SymNode ne(const SymNode& other) override {
    if (is_bool() && operand(other).is_bool()) return wrap(not_equal(value(), operand(other)));
    return compared(other, not_equal);
  }
  SymNode lt(const SymNode& other) override { return compared(other, less); }
  SymNode le(const SymNode& other) override { return compared(other, less_equal); }
  SymNode gt(const SymNode& other) override {
    return compared(other, [](const auto& a, const auto& b) { return less(b, a); });
  }
  SymNode ge(const SymNode& other) override {
    return compared(other, [](const auto& a, const auto& b) { return less_equal(b, a); });
  }

  SymNode sym_and(const SymNode& other) override { return wrap(logical_and(condition(), condition_of(other))); }
  SymNode sym_or(const SymNode& other) override { return wrap(logical_or(condition(), condition_of(other))); }
  SymNode sym_not() override { return wrap(logical_not(condition())); }
  SymNode sym_ite(const SymNode& when_true, const SymNode& when_false) override {
    const auto decided = context_->decide(condition());
    if (decided) return *decided ? when_true : when_false;
    return wrap(select(condition(), operand(when_true), operand(when_false)));
  }

  SymNode is_contiguous(c10::ArrayRef<SymNode> sizes, c10::ArrayRef<SymNode> strides) override {
    return layout(symbolic::is_contiguous(*context_, operands(sizes), operands(strides)), sizes);
  }
  SymNode is_channels_last_contiguous_2d(c10::ArrayRef<SymNode> sizes, c10::ArrayRef<SymNode> strides) override {
    return layout(is_channels_last_contiguous(*context_, operands(sizes), operands(strides), 4), sizes);
  }
  SymNode is_channels_last_contiguous_3d(c10::ArrayRef<SymNode> sizes, c10::ArrayRef<SymNode> strides) override {
    return layout(is_channels_last_contiguous(*context_, operands(sizes), operands(strides), 5), sizes);
  }
  SymNode is_channels_last_strides_2d(c10::ArrayRef<SymNode> sizes, c10::ArrayRef<SymNode> strides) override {
    return layout(is_channels_last_strides(*context_, operands(sizes), operands(strides), 4), sizes);
  }
  SymNode is_channels_last_strides_3d(c10::ArrayRef<SymNode> sizes, c10::ArrayRef<SymNode> strides) override {
    return layout(is_channels_last_strides(*context_, operands(sizes), operands(strides), 5), sizes);
  }
  SymNode is_non_overlapping_and_dense(c10::ArrayRef<SymNode> sizes, c10::ArrayRef<SymNode> strides) override {
    return layout(symbolic::is_non_overlapping_and_dense(*context_, operands(sizes), operands(strides)), sizes);
  }

  SymNode clone() override { return wrap(expression_); }
  SymNode wrap_int(int64_t number) override { return wrap(Expression(number)); }
  SymNode wrap_float(double number) override { return wrap(Expression::real(number)); }
  SymNode wrap_bool(bool truth) override { return wrap(Expression::truth(truth)); }

  int64_t guard_int(const char*, int64_t) override {
    if (is_bool()) return context_->guard(value()) ? 1 : 0;
    return context_->guard_int(is_float() ? to_int(Kind::kTruncate, value()) : expression_);
  }
  double guard_float(const char*, int64_t) override {
    return is_float() ? context_->guard_float(expression_) : static_cast<double>(guard_int("", 0));
  }
  // C++ code that compares sizes ends here: the model's own, and PyTorch's.
  bool guard_bool(const char*, int64_t) override {
    const bool is_open = !context_->decide(condition());
    return is_open && is_asked_by_model() ? branch() : context_->guard(condition());
  }
  bool guard_size_oblivious(const char*, int64_t) override {
    const auto decided = context_->decide_size_oblivious(condition());
    return decided ? *decided : context_->guard(condition());
  }
  bool guard_or_false(const char*, int64_t) override { return context_->decide(condition()).value_or(false); }
  bool guard_or_true(const char*, int64_t) override { return context_->decide(condition()).value_or(true); }
  bool statically_known_true(const char*, int64_t) override { return guard_or_false("", 0); }
  bool expect_true(const char*, int64_t) override { return context_->expect(condition()); }
  int64_t int_() override { return guard_int("", 0); }
  // Python's `if` and `assert` end here. While a shape rule is at work, it is PyTorch's code that asks.
  bool bool_() override { return Context::current() == nullptr ? branch() : context_->guard(condition()); }

  bool has_hint() override { return value().has_hint(); }
  std::string str() override { return value().str(); }
  std::optional<int64_t> maybe_as_int() override { return constant_int(); }
  std::optional<int64_t> constant_int() override {
    const Expression now = value();
    return now.is_int() && now.is_constant() ? std::optional(now.constant()) : std::nullopt;
  }
  std::optional<bool> constant_bool() override {
    return is_bool() && !is_fixed_ ? context_->decide(value()) : std::nullopt;
  }
  // PyTorch's Python asks a constant for its int or bool, so a constant float doesn't count.
  bool is_constant() override { return constant_int().has_value() || constant_bool().has_value(); }
  bool is_symbolic() override { return !is_constant(); }

 protected:
  /// By the model's own C++ code, which rounds negative numbers otherwise than Python.
  bool is_divided_by_cpp(const SymNode& other) const {
    if (!expression_.is_int() || !other->is_int()) return false;
    const bool is_positive = value().range().min >= 0 && operand(other).range().min > 0;
    return !is_positive && is_asked_by_model();
  }
  static bool is_asked_by_model() { return Context::current() == nullptr && current_asker() == Asker::kModel; }
  bool branch() const {
    ForcedBranches* answers = ForcedBranches::current();
    const Condition open = condition();
    if (answers == nullptr || context_->decide(open)) return context_->guard_branch(open);
    if (const auto given = answers->given(open)) return *given;
    const size_t guards = context_->guards().size();
    const bool answer = context_->guard_branch(open);
    const bool is_guarded =
        context_->guards().size() > guards && context_->guards().back().kind == Guard::Kind::kRelation;
    if (is_guarded) answers->add({open, answer, guards});
    return answer;
  }

 private:
  SymNode wrap(Expression expression) const {
    return c10::make_intrusive<SymbolicNode>(std::move(expression), context_);
  }
  SymNode layout(bool answer, c10::ArrayRef<SymNode> sizes) const;

  static Expression operand(const SymNode& node) {
    if (auto expression = expression_of(*node)) return *expression;
    throw UnsupportedOperator("can't combine a symbolic number of this trace with " + node->str() +
                              ", which belongs to something else (a nested tensor, or another export)");
  }
  static std::vector<Expression> operands(c10::ArrayRef<SymNode> nodes) {
    std::vector<Expression> expressions;
    expressions.reserve(nodes.size());
    for (const SymNode& node : nodes) expressions.push_back(operand(node));
    return expressions;
  }

  /// Booleans count as 0 and 1 in arithmetic.
  static Expression number_of(const Expression& expression) {
    return expression.is_bool() ? from_bool(expression) : expression;
  }
  Expression number() const { return number_of(value()); }

  /// A number used as a condition means "not zero".
  static Condition truth_of(const Expression& expression) {
    if (expression.is_bool()) return expression;
    return not_equal(expression, expression.is_int() ? Expression(0) : Expression::real(0));
  }
  Condition condition() const { return truth_of(value()); }
  static Condition condition_of(const SymNode& node) { return truth_of(operand(node)); }

  /// Both as integers, or both as floats if one is.
  std::pair<Expression, Expression> promoted(const SymNode& other) const {
    Expression a = number();
    Expression b = number_of(operand(other));
    if (a.is_float() != b.is_float()) return {to_float(a), to_float(b)};
    return {std::move(a), std::move(b)};
  }

  template <typename OnIntegers>
  SymNode arithmetic(const SymNode& other, const OnIntegers& on_integers, Kind on_floats) const {
    const StepLimit limit(StepLimit::kOperation);
    const auto [a, b] = promoted(other);
    return wrap(a.is_int() ? on_integers(a, b) : float_binary(on_floats, a, b));
  }

  template <typename Operator>
  SymNode compared(const SymNode& other, const Operator& on_both) const {
    const StepLimit limit(StepLimit::kOperation);
    const auto [a, b] = promoted(other);
    return wrap(on_both(a, b));
  }

  Expression expression_;
  std::shared_ptr<Context> context_;
  bool is_fixed_;
};

/// How elements lie in memory. That may be said for sizes from 2: whether it is so at 0 and 1 of these sizes remains to
/// be seen where the model's own code asks.
class LayoutNode final : public SymbolicNode {
 public:
  LayoutNode(Condition answer, std::vector<Expression> sizes, std::shared_ptr<Context> context)
      : SymbolicNode(std::move(answer), std::move(context)), sizes_(std::move(sizes)) {}

  bool guard_bool(const char* file, int64_t line) override {
    if (!sizes_.empty() && is_asked_by_model()) guard_zero_one(sizes_, *context());
    return SymbolicNode::guard_bool(file, line);
  }

 private:
  std::vector<Expression> sizes_;
};

SymNode SymbolicNode::layout(bool answer, c10::ArrayRef<SymNode> sizes) const {
  return c10::make_intrusive<LayoutNode>(Expression::truth(answer), operands(sizes), context_);
}

}  // namespace

void guard_zero_one(std::span<const Expression> sizes, Context& context) {
  for (const Expression& size : sizes) context.guard_branch(less_equal(2, size));
}

c10::SymBool layout_answer(const Condition& answer, std::vector<Expression> sizes, Context& context) {
  return c10::SymBool(
      c10::SymNode(c10::make_intrusive<LayoutNode>(answer, std::move(sizes), context.shared_from_this())));
}

SymNode make_sym_node(const Expression& expression, Context& context) {
  return c10::make_intrusive<SymbolicNode>(expression, context.shared_from_this());
}

c10::SymBool fixed_sym_bool(const Condition& condition, Context& context) {
  const SymNode node = c10::make_intrusive<SymbolicNode>(condition, context.shared_from_this(), /*is_fixed=*/true);
  return c10::SymBool(node);
}

namespace {

SymbolicNode* as_ours(c10::SymNodeImpl& node) {
  if (typeid(node) == typeid(SymbolicNode)) return static_cast<SymbolicNode*>(&node);  // nearly always, and quicker
  return dynamic_cast<SymbolicNode*>(&node);
}

std::optional<Symbol> symbol_of(c10::SymNodeImpl& node) {
  const auto* ours = as_ours(node);
  if (ours == nullptr || !ours->as_made().is_symbol()) return std::nullopt;
  return ours->as_made().symbol();
}

}  // namespace

bool require(const c10::SymBool& condition) {
  if (!condition.is_heap_allocated()) return condition.as_bool_unchecked();
  c10::SymNodeImpl& node = *condition.toSymNodeImplUnowned();
  if (!node.has_hint()) return node.expect_true(__FILE__, __LINE__);
  const auto* ours = as_ours(node);
  return ours == nullptr ? node.guard_bool(__FILE__, __LINE__) : ours->context()->require(ours->value());
}

std::optional<Symbol> symbol_behind(const c10::SymInt& value) {
  return value.is_heap_allocated() ? symbol_of(*value.toSymNodeImplUnowned()) : std::nullopt;
}

std::optional<Symbol> symbol_behind(const c10::SymFloat& value) {
  return value.is_symbolic() ? symbol_of(*value.toSymNodeImplUnowned()) : std::nullopt;
}

std::optional<Expression> expression_of(c10::SymNodeImpl& node) {
  if (const auto* ours = as_ours(node)) return ours->value();
  if (node.is_nested_int()) return std::nullopt;
  if (const auto number = node.constant_int()) return Expression(*number);
  if (const auto truth = node.constant_bool()) return Expression::truth(*truth);
  return std::nullopt;
}

std::shared_ptr<Context> context_of(c10::SymNodeImpl& node) {
  const auto* ours = dynamic_cast<SymbolicNode*>(&node);
  return ours ? ours->context() : nullptr;
}

}  // namespace tracejet::symbolic
