#include "capture/frontend_hooks.h"

#include "capture/keys.h"

namespace tracejet {

c10::IValue for_language(const FrontendHooks& hooks, const c10::IValue& value) {
  if (hooks.wrapped == nullptr) return value;
  if (value.isSymFloat()) return c10::SymFloat(hooks.wrapped(value.toSymFloat().toSymNodeImpl()));
  if (value.isSymBool()) return c10::SymBool(hooks.wrapped(value.toSymBool().toSymNodeImpl()));
  return value;
}

c10::IValue own_number(const FrontendHooks& hooks, const c10::IValue& value) {
  if (hooks.unwrapped == nullptr) return value;
  if (value.isSymFloat() && value.toSymFloat().is_symbolic()) {
    return c10::SymFloat(hooks.unwrapped(value.toSymFloat().toSymNodeImpl()));
  }
  if (value.isSymBool() && value.toSymBool().is_heap_allocated()) {
    return c10::SymBool(hooks.unwrapped(value.toSymBool().toSymNodeImpl()));
  }
  return value;
}

c10::IValue number_of(const FrontendHooks& hooks, const at::Tensor& wrapped_number) {
  if (hooks.symbolic_number != nullptr) {
    if (const auto symbolic = hooks.symbolic_number(wrapped_number)) return own_number(hooks, *symbolic);
  }
  const ExcludeTracingGuard guard;
  return wrapped_number.item();
}

}  // namespace tracejet
