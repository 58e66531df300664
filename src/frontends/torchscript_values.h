#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include "report/symbol_axes.h"

namespace tracejet::torchscript {

/// Lists that hold symbols say so: operators look at the type, not at each element.
void mark_symbolic_list(const c10::IValue& value);
/// Whether it is a list of numbers with a symbol among them.
bool has_symbols(const c10::IValue& value);

c10::IValue list_of(const std::vector<c10::IValue>& items, const c10::TypePtr& element);
/// Keys and values in turns.
c10::IValue dict_of(const std::vector<c10::IValue>& items, const c10::DictType& type);
/// A list of tensors and Nones by the one type that operators know it by.
c10::IValue as_optional_tensors(const c10::IValue& value);
bool takes_optional_tensors(const c10::Argument& argument);

/// Whether it is or holds a list, a dict or an object, which others that hold it see changed.
bool may_be_changed(const c10::IValue& value);
/// With copies of all such in it; tensors are shared. `copies`: those that were made before.
c10::IValue copy_to_change(const c10::IValue& value, c10::IValue::HashIdentityIValueMap& copies);
/// Whether a copy still holds the same tensors and equal numbers.
bool is_unchanged(const c10::IValue& value, const c10::IValue& copy);

std::vector<c10::IValue> items_of(const c10::IValue& tuple);
std::vector<c10::IValue> as_items(c10::SymIntArrayRef sizes);
bool is_one_of(const c10::IValue& value, c10::ArrayRef<c10::TypePtr> types);
/// `sizes == [1, 2]`
c10::IValue compared_lists(const c10::IValue& a, const c10::IValue& b);

/// Numbers that stand for int64 tensors become such where the type is one of tensors.
c10::IValue as_tensors(const c10::IValue& value, const c10::TypePtr& type);

/// "x[0], y[1]": the axes whose sizes are in numbers, or in lists of them.
std::string axes_in(const std::vector<c10::IValue>& values, const SymbolAxes& axes);

}  // namespace tracejet::torchscript
