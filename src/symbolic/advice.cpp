#include "symbolic/advice.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "symbolic/operators.h"

namespace tracejet::symbolic {
namespace {

thread_local Language current_language = Language::kPython;

/// A method of c10::SymInt, and the one that says the same with the operands exchanged.
struct Method {
  std::string_view name, exchanged;
};

/// Sums and products of symbols and plain numbers.
bool is_alike_in_cpp(const Expression& number) {
  switch (number.kind()) {
    case Kind::kConstant:
    case Kind::kSymbol:
      return true;
    case Kind::kSum:
    case Kind::kProduct:
      return std::ranges::all_of(number.operands(), is_alike_in_cpp);
    default:
      return false;
  }
}

std::optional<std::string> comparison_in_cpp(const Expression& left, Method method, const Expression& right) {
  if (left.is_constant()) return comparison_in_cpp(right, {method.exchanged, method.name}, left);
  if (!is_alike_in_cpp(left) || !is_alike_in_cpp(right)) return {};
  const std::string self = left.kind() == Kind::kSymbol ? left.str() : "(" + left.str() + ")";
  return self + "." + std::string(method.name) + "(" + right.str() + ")";
}

/// Nothing where C++ would need other words for a part of it.
std::optional<std::string> in_cpp(const Condition& condition) {
  const auto in = condition.operands();
  switch (condition.kind()) {
    case Kind::kEqual:
      return comparison_in_cpp(in[0], {"sym_eq", "sym_eq"}, in[1]);
    case Kind::kNotEqual:
      return comparison_in_cpp(in[0], {"sym_ne", "sym_ne"}, in[1]);
    case Kind::kLess:
      return comparison_in_cpp(in[0], {"sym_lt", "sym_gt"}, in[1]);
    case Kind::kLessEqual:
      if (const auto below = strictly_below(condition)) return comparison_in_cpp(*below, {"sym_lt", "sym_gt"}, in[1]);
      return comparison_in_cpp(in[0], {"sym_le", "sym_ge"}, in[1]);
    default:
      return {};
  }
}

std::string check_in_cpp(const Expression& open) {
  const auto condition = open.is_bool() ? in_cpp(open) : comparison_in_cpp(open, {"sym_eq", "sym_eq"}, 3);
  return (condition ? "TORCH_SYM_CHECK(" + *condition + R"(, "why"))" : "TORCH_SYM_CHECK of that condition") +
         ", on the c10::SymInt that .sym_size() or .item() gave";
}

std::string check_in_python(const Expression& open) {
  return "torch._check(" + open.str() + (open.is_bool() ? ")" : " == 3)");
}

}  // namespace

Language language_at_work() { return current_language; }

WrittenIn::WrittenIn(Language language) : before_(std::exchange(current_language, language)) {}

WrittenIn::~WrittenIn() { current_language = before_; }

std::string advice_on(const Expression& open) {
  const bool is_cpp = current_language == Language::kCpp;
  return std::string("If it ") +
         (open.is_bool() ? "always holds, say so before: " : "is always the same, say so before, as in: ") +
         (is_cpp ? check_in_cpp(open) : check_in_python(open)) + ".\n  If both ways are needed, compute both: " +
         (is_cpp ? "at::where, or tracejet::cond" : "torch.where, or torch.cond") + " for whole branches.";
}

std::string_view advice_on_reading() {
  return current_language == Language::kCpp
             ? "compute with the tensor instead (at::where, tracejet::cond), or pass the number "
               "as an argument of the code"
             : "compute with the tensor instead (torch.where, torch.cond), or pass the number "
               "as an argument of forward";
}

}  // namespace tracejet::symbolic
