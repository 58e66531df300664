#include "capture/plain_sizes.h"

#include <algorithm>
#include <limits>
#include <regex>
#include <set>

#include "base/error.h"
#include "capture/tensor_arguments.h"
#include "ir/size_expression.h"
#include "symbolic/context.h"

namespace tracejet {

using symbolic::Expression;

namespace {

/// Numbers that stand for sizes are 2^50 and something: what a scale (a double) makes of one is exact up to the
/// greatest multiple, and large enough to be told from a size that is known. That something is random, so that what is
/// made of different sizes differs, too.
constexpr int64_t kGranularity = 1 << 12;
constexpr int64_t kFirst = (int64_t{1} << 38) * kGranularity;
constexpr int64_t kLeastDerived = 1 << 20;

bool is_polynomial(const Expression& size) {
  const bool is_atom = size.kind() == Expression::Kind::kConstant || size.kind() == Expression::Kind::kSymbol;
  const bool is_compound = size.kind() == Expression::Kind::kSum || size.kind() == Expression::Kind::kProduct;
  return is_atom || (is_compound && std::ranges::all_of(size.operands(), is_polynomial));
}

/// Whether it is, or was made of, one that stands for a size. The largest means "to the end" in slices.
bool may_be_of_size(int64_t number) { return number >= kLeastDerived && number != std::numeric_limits<int64_t>::max(); }

/// SymInt, or a list or an optional of it.
bool takes_symbolic_sizes(const c10::Type& type) {
  return type.kind() == c10::TypeKind::SymIntType ||
         std::ranges::any_of(type.containedTypes(),
                             [](const c10::TypePtr& part) { return takes_symbolic_sizes(*part); });
}

}  // namespace

int64_t PlainSizes::fresh_number() {
  return kFirst + static_cast<int64_t>(random_() >> 28) * kGranularity;  // 36 bits of it
}

int64_t PlainSizes::number_of(const Expression& size) {
  if (size.is_constant()) return size.constant();
  if (const auto known = numbers_.find(size); known != numbers_.end()) return known->second;
  int64_t number = 0;
  if (!size.is_symbol() && is_polynomial(size)) {
    try {
      number =
          symbolic::evaluate(size, [&](const symbolic::Symbol& symbol) { return number_of(Expression::of(symbol)); });
    } catch (const Error&) {
      number = 0;  // it is too large
    }
  }
  while (number < kFirst || sizes_.contains(number)) number = fresh_number();
  numbers_.emplace(size, number);
  sizes_.emplace(number, size);
  return number;
}

c10::IntArrayRef PlainSizes::of(c10::SymIntArrayRef sizes) {
  std::vector<int64_t> numbers;
  for (const c10::SymInt& size : sizes) numbers.push_back(number_of(scopes_.shapes().simplified(expression_of(size))));
  return handed_out_.emplace_back(std::move(numbers));
}

std::string PlainSizes::name_of(const Expression& size) const {
  const auto axes = guards_.symbol_axes().find(size.str());
  return axes == guards_.symbol_axes().end() ? size.str() : axes->second.front();
}

std::optional<Expression> PlainSizes::size_of(int64_t number, int64_t most_multiple, int64_t most_addend) const {
  std::optional<Expression> found;
  for (const auto& [stands_for, size] : sizes_) {
    const int64_t multiple = number / stands_for, addend = number % stands_for;
    if (multiple < 1 || multiple > most_multiple || addend > most_addend) continue;
    const Expression made = size * multiple + addend;
    if (found && *found != made) return std::nullopt;
    found = made;
  }
  return found;
}

void PlainSizes::restore(const c10::Argument& declared, c10::IValue& argument) const {
  const auto is_one = [](const c10::IValue& value) { return value.isInt() && may_be_of_size(value.toInt()); };
  const bool is_list = argument.isList();
  const bool has_some = is_list ? std::ranges::any_of(argument.toListRef(), is_one) : is_one(argument);
  if (!has_some) return;
  const KnownModule* module = running_known_module();
  if (module == nullptr) return;
  symbolic::Context& shapes = scopes_.shapes();
  const auto restored = [&](const c10::IValue& value) -> c10::SymInt {
    if (!is_one(value)) return value.isSymInt() ? value.toSymInt() : c10::SymInt(value.toInt());
    const auto size = size_of(value.toInt(), module->greatest_multiple, module->greatest_addend);
    if (!size) {
      throw UnsupportedOperator("a module of PyTorch's computes a size from " + axes() +
                                " in a way that isn't known; make these axes static");
    }
    if (takes_symbolic_sizes(*declared.real_type())) return shapes.sym_int(*size);
    throw UnsupportedOperator("takes " + name_of(*size) + ", a dynamic size, as a plain number (" + declared.name() +
                              "); make the axis static");
  };
  if (!is_list) {
    argument = restored(argument);
    return;
  }
  std::vector<c10::SymInt> list;
  for (const c10::IValue& value : argument.toListRef()) list.push_back(restored(value));
  argument = c10::SymIntArrayRef(list);
}

void PlainSizes::restore(const c10::OperatorHandle& op, torch::jit::Stack& stack) const {
  if (sizes_.empty()) return;
  const auto arguments = arguments_on(stack, op);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool is_number = arguments[i].isInt() || arguments[i].isIntList() || arguments[i].isSymIntList();
    if (is_number) restore(op.schema().arguments()[i], arguments[i]);
  }
}

std::string PlainSizes::in_words(const std::string& message) const {
  static const std::regex number("[0-9]{16,18}");
  std::string text;
  auto rest = message.cbegin();
  for (std::sregex_iterator found(message.begin(), message.end(), number), end; found != end; ++found) {
    const auto size = size_of(std::stoll(found->str()), kGranularity, /*most_addend=*/2);
    text.append(rest, (*found)[0].first);
    text += size ? name_of(*size) : found->str();
    rest = (*found)[0].second;
  }
  return text.append(rest, message.cend());
}

std::string PlainSizes::axes() const {
  std::set<std::string> names;
  for (const auto& [number, size] : sizes_) {
    if (size.is_symbol()) names.insert(name_of(size));
  }
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace tracejet
