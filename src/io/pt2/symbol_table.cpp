#include "io/pt2/symbol_table.h"

#include <algorithm>

#include "io/pt2/schema.h"
#include "io/pt2/sympy_text.h"
#include "ir/symbolic_constant.h"
#include "symbolic/sym_node.h"

namespace tracejet::pt2 {

namespace {

Json bound_in_json(int64_t value) { return std::abs(value) == symbolic::kInfinity ? Json(nullptr) : Json(value); }

/// As many bytes as PyTorch thinks that the tensor needs.
c10::SymInt storage_bytes(const TensorMeta& meta) {
  if (symbolic::is_known_empty(meta.sizes)) return 0;
  c10::SymInt elements = meta.storage_offset + 1;
  for (size_t axis = 0; axis < meta.sizes.size(); ++axis) elements += (meta.sizes[axis] - 1) * meta.strides[axis];
  return elements * static_cast<int64_t>(c10::elementSize(meta.dtype));
}

Json hint_of(const symbolic::Expression& expression) {
  if (expression.is_bool() || !expression.has_hint()) return nullptr;
  return expression.is_float() ? one("as_float", number(expression.real_hint())) : one("as_int", expression.hint());
}

}  // namespace

const std::string& SymbolTable::text_of(const symbolic::Symbol& symbol) {
  const auto known = symbols_.find(symbol.id);
  if (known != symbols_.end()) return known->second;
  std::string name, assumptions = ", integer=True";
  if (symbol.is_float) {
    name = "zuf" + std::to_string(next_float_++);
    assumptions = "";
  } else if (!symbol.backed) {
    name = "u" + std::to_string(next_integer_++);
  } else {
    name = "s" + std::to_string(symbols_.size());
    if (symbol.range.min > 0) assumptions = ", positive=True, integer=True";
  }
  if (!symbol.is_float) {
    Json range = one("min_val", bound_in_json(symbol.range.min));
    append(range, "max_val", bound_in_json(symbol.range.max));
    append(ranges_, name, std::move(range));
  }
  return symbols_.emplace(symbol.id, "Symbol('" + name + "'" + assumptions + ")").first->second;
}

std::string SymbolTable::text_of(const symbolic::Expression& expression) {
  return sympy_text(expression, [this](const symbolic::Symbol& symbol) { return text_of(symbol); });
}

void SymbolTable::meet(const symbolic::Expression& expression) {
  for (const symbolic::Symbol& symbol : symbolic::symbols_of(expression)) text_of(symbol);
}

void SymbolTable::meet(const TensorMeta& meta) {
  const auto is_new = [&](const c10::SymInt& size) {
    const auto expression = symbolic_expression(size);
    return expression && std::ranges::any_of(symbolic::symbols_of(*expression), [&](const symbolic::Symbol& symbol) {
             return !symbols_.contains(symbol.id);
           });
  };
  if (!std::ranges::any_of(meta.sizes, is_new) && !std::ranges::any_of(meta.strides, is_new)) return;
  if (const auto bytes = symbolic_expression(storage_bytes(meta))) meet(*bytes);
}

Json SymbolTable::number(const symbolic::Expression& expression) {
  if (expression.is_constant()) {
    if (expression.is_bool()) return one("as_bool", expression.truth());
    if (expression.is_float()) return one("as_float", pt2::number(expression.real()));
    return one("as_int", expression.constant());
  }
  const auto known = numbers_.find(expression);
  if (known != numbers_.end()) return known->second;
  Json text = one("expr_str", text_of(expression));
  append(text, "hint", hint_of(expression));
  return numbers_.emplace(expression, one("as_expr", std::move(text))).first->second;
}

Json SymbolTable::size(const c10::SymInt& size) {
  if (const auto known = size.maybe_as_int()) return one("as_int", *known);
  return number(expression_of(size));
}

Json SymbolTable::tensor(const TensorMeta& meta, bool requires_grad) {
  meet(meta);
  Json sizes = Json::array(), strides = Json::array();
  for (const c10::SymInt& each : meta.sizes) sizes.push_back(size(each));
  for (const c10::SymInt& each : meta.strides) strides.push_back(size(each));
  Json tensor = one("dtype", number_of(meta.dtype));
  append(tensor, "sizes", std::move(sizes));
  append(tensor, "requires_grad", requires_grad);
  append(tensor, "device", device_json(meta.device));
  append(tensor, "strides", std::move(strides));
  append(tensor, "storage_offset", size(meta.storage_offset));
  append(tensor, "layout", number_of(at::kStrided));
  return tensor;
}

Json device_json(c10::Device device) {
  Json json = one("type", c10::DeviceTypeName(device.type(), /*lower_case=*/true));
  append(json, "index", device.has_index() ? Json(int64_t{device.index()}) : Json(nullptr));
  return json;
}

}  // namespace tracejet::pt2
