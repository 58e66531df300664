#pragma once

#include <optional>
#include <span>
#include <vector>

#include <c10/core/SymBool.h>
#include <c10/core/SymFloat.h>
#include <c10/core/SymInt.h>
#include <c10/core/SymIntArrayRef.h>
#include <c10/core/SymNodeImpl.h>

#include "symbolic/context.h"
#include "symbolic/expression.h"

namespace tracejet::symbolic {

/// The node that PyTorch's SymInt, SymFloat and SymBool wrap.
c10::SymNode make_sym_node(const Expression& expression, Context& context);

/// A condition that stays what it is, whatever is assumed: an assertion must not vanish because it was believed.
c10::SymBool fixed_sym_bool(const Condition& condition, Context& context);
/// The symbol that a size was made as, before anything was assumed of it; nullopt for a compound or a plain number.
std::optional<Symbol> symbol_behind(const c10::SymInt& value);
std::optional<Symbol> symbol_behind(const c10::SymFloat& value);

/// The expression behind a number, with what has been assumed since put in; a constant for a plain number, nullopt
/// for a node that isn't ours (a nested int, one of torch.export's).
std::optional<Expression> expression_of(const c10::SymInt& value);
std::optional<Expression> expression_of(const c10::SymFloat& value);
std::optional<Expression> expression_of(const c10::SymBool& value);
std::optional<Expression> expression_of(c10::SymNodeImpl& node);
/// The trace that a node belongs to; null for a node that isn't ours.
std::shared_ptr<Context> context_of(c10::SymNodeImpl& node);

/// A plain int when the expression is constant.
c10::SymInt normalized(const c10::SymInt& value);

/// The model's code relies on what is so for sizes from 2: it remains to be seen whether it does the same at 0 and 1.
void guard_zero_one(std::span<const Expression> sizes, Context& context);
/// An answer about layout, of which that is so for these sizes where the model's code asks.
c10::SymBool layout_answer(const Condition& answer, std::vector<Expression> sizes, Context& context);

/// Whether a condition holds without which an operator refuses the call: see Context::require() and expect().
bool require(const c10::SymBool& condition);

// None of these guards. They answer for nodes that aren't ours only if those are constant.
bool is_statically_equal(const c10::SymInt& a, const c10::SymInt& b);
/// Whether a tensor of these sizes never has an element.
bool is_known_empty(c10::SymIntArrayRef sizes);
std::optional<bool> statically_known(const c10::SymBool& condition);
/// As above, where sizes that may be 0 or 1 are taken to be larger: for choices of layout.
std::optional<bool> known_size_oblivious(const c10::SymBool& condition);
/// Whether one condition holds at all sizes at which another one does.
bool follows(const c10::SymBool& conclusion, const c10::SymBool& premise);
/// The value on the traced example; nullopt if it is data dependent.
std::optional<int64_t> hint_of(const c10::SymInt& value);

}  // namespace tracejet::symbolic
