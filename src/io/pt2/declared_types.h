#pragma once

#include <ATen/core/jit_type.h>

namespace tracejet::pt2 {

/// The type of what is there, where an operator declares an optional.
inline const c10::TypePtr& unwrapped(const c10::TypePtr& type) {
  return type->kind() == c10::TypeKind::OptionalType ? type->castRaw<c10::OptionalType>()->getElementType() : type;
}

/// The type of a list's elements; Any where the operator declares no list.
inline c10::TypePtr element_type(const c10::TypePtr& type) {
  const auto list = unwrapped(type)->cast<c10::ListType>();
  return list ? unwrapped(list->getElementType()) : c10::AnyType::get();
}

}  // namespace tracejet::pt2
