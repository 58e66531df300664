// Arguments of calls as the schema writes them.
#include <algorithm>

#include <ATen/core/jit_type.h>

#include "base/error.h"
#include "io/pt2/declared_types.h"
#include "io/pt2/graph_writer.h"
#include "io/pt2/schema.h"
#include "ir/symbolic_constant.h"
#include "ir/written_arguments.h"

namespace tracejet::pt2 {

namespace {

Json enumerator(int64_t value, c10::TypeKind kind) {
  switch (kind) {
    case c10::TypeKind::ScalarTypeType:
      return one("as_scalar_type", number_of(static_cast<at::ScalarType>(value)));
    case c10::TypeKind::LayoutType:
      return one("as_layout", number_of(static_cast<at::Layout>(value)));
    case c10::TypeKind::MemoryFormatType:
      return one("as_memory_format", number_of(static_cast<at::MemoryFormat>(value)));
    default:
      return one("as_int", value);
  }
}

Json complex_json(c10::complex<double> value) {
  Json json = one("real", number(value.real()));
  append(json, "imag", number(value.imag()));
  return json;
}

const char* empty_list_of(const c10::TypePtr& element) {
  switch (element->kind()) {
    case c10::TypeKind::BoolType:
      return "as_bools";
    case c10::TypeKind::FloatType:
      return "as_floats";
    case c10::TypeKind::StringType:
      return "as_strings";
    case c10::TypeKind::TensorType:
      return "as_tensors";
    default:
      return "as_ints";
  }
}

/// Lists of plain elements, and those where some are nodes.
struct ListForm {
  const char* element;
  const char* list;
  const char* symbolic_element;
  const char* symbolic_list;
};
constexpr ListForm kLists[] = {
    {"as_bool", "as_bools", "as_sym_bool", "as_sym_bools"},
    {"as_int", "as_ints", "as_sym_int", "as_sym_ints"},
    {"as_float", "as_floats", "as_sym_float", "as_sym_floats"},
    {"as_string", "as_strings", "", ""},
};

}  // namespace

Json input_of(const std::string& name, Json argument, bool is_positional) {
  Json input = one("name", name);
  append(input, "arg", std::move(argument));
  append(input, "kind", is_positional ? kPositional : kKeyword);
  return input;
}

Json GraphWriter::list(const std::vector<Json>& items, const c10::TypePtr& element) const {
  if (items.empty()) return one(empty_list_of(element), Json::array());
  for (const auto& [plain, list, symbolic, symbolic_list] : kLists) {
    const auto is_plain = [&](const Json& item) { return item.contains(plain); };
    const auto fits = [&](const Json& item) { return item.contains(plain) || item.contains(symbolic); };
    if (!std::ranges::all_of(items, fits)) continue;
    const bool all_plain = std::ranges::all_of(items, is_plain);
    Json elements = Json::array();
    for (const Json& item : items) elements.push_back(all_plain || !is_plain(item) ? item.begin().value() : item);
    return one(all_plain ? list : symbolic_list, std::move(elements));
  }
  throw UnsupportedOperator("a .pt2 file can't hold a list of " + element->annotation_str() + " of several kinds",
                            ErrorCode::kFileContent);
}

Json GraphWriter::constant(const c10::IValue& value, const c10::TypePtr& declared) {
  const c10::TypePtr& type = unwrapped(declared);
  if (value.isNone()) return one("as_none", true);
  if (const auto expression = symbolic_expression(value)) return number_argument(*expression);
  if (value.isInt()) return enumerator(value.toInt(), type->kind());
  if (value.isBool()) return one("as_bool", value.toBool());
  if (value.isDouble()) return one("as_float", pt2::number(value.toDouble()));
  if (value.isComplexDouble()) return one("as_complex", complex_json(value.toComplexDouble()));
  if (value.isString()) return one("as_string", value.toStringRef());
  if (value.isDevice()) return one("as_device", device_json(value.toDevice()));
  if (!value.isList())
    throw UnsupportedOperator("a .pt2 file can't hold a " + value.tagKind(), ErrorCode::kFileContent);
  const c10::TypePtr element = element_type(type);
  std::vector<Json> items;
  for (const c10::IValue& item : value.toListRef()) items.push_back(constant(item, element));
  return list(items, element);
}

Json GraphWriter::references_argument(const std::vector<Reference>& references) const {
  const auto is_int = [](const Reference& reference) { return reference.kind == ValueKind::kInt; };
  const bool all_ints = !references.empty() && std::ranges::all_of(references, is_int);
  Json names = Json::array();
  for (const Reference& reference : references) names.push_back(one(all_ints ? "as_name" : "name", reference.name));
  return one(all_ints ? "as_sym_ints" : "as_tensors", std::move(names));
}

Json GraphWriter::argument(const Argument& argument, const c10::TypePtr& type) {
  if (const auto* value = std::get_if<const Value*>(&argument)) return argument_of(reference(**value));
  if (const auto* constant = std::get_if<c10::IValue>(&argument)) return this->constant(*constant, type);
  const auto& values = std::get<std::vector<const Value*>>(argument);
  if (std::ranges::find(values, nullptr) == values.end()) {
    std::vector<Reference> references;
    for (const Value* value : values) references.push_back(reference(*value));
    return references_argument(references);
  }
  Json items = Json::array();
  for (const Value* value : values) {
    items.push_back(value == nullptr ? one("as_none", true) : argument_of(reference(*value)));
  }
  return one("as_optional_tensors", std::move(items));
}

Json GraphWriter::inputs_of(const Node& node) {
  const auto& schema = node.op().schema().arguments();
  const WrittenArguments written = written_arguments(node);
  Json inputs = Json::array();
  const auto add = [&](size_t i, bool is_positional) {
    inputs.push_back(input_of(schema[i].name(), argument(node.arguments()[i], schema[i].real_type()), is_positional));
  };
  for (size_t i = 0; i < written.positional; ++i) add(i, true);
  for (const size_t i : written.keyword) add(i, false);
  return inputs;
}

}  // namespace tracejet::pt2
