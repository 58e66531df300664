// Arguments of calls, from the schema's form to what operators take.
#include <algorithm>

#include <ATen/core/jit_type.h>

#include "io/pt2/declared_types.h"
#include "io/pt2/graph_reader.h"
#include "io/pt2/schema.h"
#include "symbolic/sym_node.h"

namespace tracejet::pt2 {

namespace {

using symbolic::Expression;

/// Whether an operator takes this where it declares that. Plain numbers stand for tensors, too.
bool fits(const c10::IValue& value, const c10::TypePtr& declared) {
  if (value.isNone()) return true;  // a missing tensor has no type of its own
  const c10::TypePtr type = unwrapped(declared);
  switch (type->kind()) {
    case c10::TypeKind::AnyType:
      return true;
    case c10::TypeKind::TensorType:
    case c10::TypeKind::NumberType:
      return value.isScalar();
    case c10::TypeKind::FloatType:
      return value.isDouble() || value.isSymFloat();
    case c10::TypeKind::BoolType:
      return value.isBool() || value.isSymBool();
    case c10::TypeKind::IntType:
    case c10::TypeKind::SymIntType:
    case c10::TypeKind::ScalarTypeType:
    case c10::TypeKind::LayoutType:
    case c10::TypeKind::MemoryFormatType:
      return value.isInt() || value.isSymInt();
    case c10::TypeKind::StringType:
      return value.isString();
    case c10::TypeKind::DeviceObjType:
      return value.isDevice();
    case c10::TypeKind::ListType: {
      if (!value.isList()) return false;
      const c10::TypePtr element = element_type(type);
      return std::ranges::all_of(value.toListRef(), [&](const c10::IValue& item) { return fits(item, element); });
    }
    default:
      return false;
  }
}

template <typename T, typename Read>
c10::IValue plain_list(const Field& items, Read&& read) {
  c10::List<T> list;
  items.for_each([&](const Field& item) { list.push_back(read(item)); });
  return list;
}

}  // namespace

Expression GraphReader::number(const Field& argument) const {
  const auto [kind, value] = argument.variant();
  if (kind == "as_int") return Expression(value.integer());
  if (kind == "as_float") return Expression::real(value.real());
  if (kind == "as_bool") return Expression::truth(value.boolean());
  if (!kind.starts_with("as_sym_")) argument.fail("expected a number, got " + kind);
  if (!value.has("as_name")) return number(value);
  const auto* found = std::get_if<Expression>(&find(value, value["as_name"].string()));
  if (found == nullptr)
    value.fail("expected a number, and " + value["as_name"].string().substr(0, 80) + " is a tensor");
  return *found;
}

c10::IValue GraphReader::list(const Field& items, const std::string& kind, const c10::TypePtr& type) const {
  const bool of_floats = element_type(type)->kind() == c10::TypeKind::FloatType;
  if (kind == "as_ints" && of_floats) {
    return plain_list<double>(items, [](const Field& item) { return static_cast<double>(item.integer()); });
  }
  if (kind == "as_ints") return plain_list<int64_t>(items, [](const Field& item) { return item.integer(); });
  if (kind == "as_floats") return plain_list<double>(items, [](const Field& item) { return item.real(); });
  if (kind == "as_bools") return plain_list<bool>(items, [](const Field& item) { return item.boolean(); });
  if (kind == "as_strings") return plain_list<std::string>(items, [](const Field& item) { return item.string(); });
  if (kind != "as_sym_ints") items.fail("the kind " + kind.substr(0, 60) + " of arguments isn't known here");
  std::vector<c10::SymInt> sizes;
  items.for_each([&](const Field& item) {
    Expression size;
    if (item.has("as_name")) {
      const auto* found = std::get_if<Expression>(&find(item, item["as_name"].string()));
      if (found == nullptr || !found->is_int()) item.fail("expected an integer");
      size = *found;
    } else {
      size = Expression(item["as_int"].integer());
    }
    sizes.push_back(symbols_.context()->sym_int(size));
  });
  return c10::IValue(c10::SymIntArrayRef(sizes));
}

c10::IValue GraphReader::constant(const Field& argument, const c10::TypePtr& type) const {
  const auto [kind, value] = argument.variant();
  const auto enumerator = [&, &value = value](auto&& of) -> c10::IValue {
    return value.located([&] { return static_cast<int64_t>(of(value.integer())); });
  };
  if (kind == "as_none") return {};
  if (kind == "as_int" && unwrapped(type)->kind() == c10::TypeKind::FloatType)
    return static_cast<double>(value.integer());
  if (kind == "as_int") return value.integer();
  if (kind == "as_float") return value.real();
  if (kind == "as_bool") return value.boolean();
  if (kind == "as_string") return value.string();
  if (kind == "as_complex") return c10::complex<double>(value["real"].real(), value["imag"].real());
  if (kind == "as_device") return read_device(value);
  if (kind == "as_scalar_type") return enumerator(&dtype_of);
  if (kind == "as_layout") return enumerator(&layout_of);
  if (kind == "as_memory_format") return enumerator(&memory_format_of);
  if (kind == "as_sym_int" || kind == "as_sym_float" || kind == "as_sym_bool") {
    return symbols_.scalar(number(argument));
  }
  return list(value, kind, type);
}

Argument GraphReader::argument(const Field& argument, const c10::TypePtr& type) const {
  const auto [kind, value] = argument.variant();
  if (kind == "as_tensor") return &this->value(value);
  if (kind == "as_optional_tensor")
    return value.has("as_tensor") ? Argument(&this->value(value["as_tensor"])) : Argument(c10::IValue());
  if (kind == "as_tensors" || kind == "as_optional_tensors") {
    std::vector<const Value*> values;
    value.for_each([&](const Field& item) {
      const bool is_none = kind == "as_optional_tensors" && !item.has("as_tensor");
      values.push_back(is_none ? nullptr : &this->value(kind == "as_tensors" ? item : item["as_tensor"]));
    });
    return values;
  }
  c10::IValue constant = this->constant(argument, type);
  if (!fits(constant, type)) argument.fail("expected " + type->annotation_str() + ", got " + constant.tagKind());
  return constant;
}

std::vector<Argument> GraphReader::arguments_of(const Field& node, const c10::OperatorHandle& op,
                                                size_t skipped) const {
  const auto& schema = op.schema().arguments();
  std::vector<std::optional<Argument>> given(schema.size());
  node["inputs"].for_each([&](const Field& input) {
    if (skipped > 0) {
      --skipped;
      return;
    }
    const std::string& name = input["name"].string();
    const auto found = std::ranges::find(schema, name, &c10::Argument::name);
    if (found == schema.end()) input.fail(toString(op.operator_name()) + " has no argument " + name.substr(0, 80));
    const bool takes_tensors = element_type(found->real_type())->kind() == c10::TypeKind::TensorType;
    auto& place = given[static_cast<size_t>(found - schema.begin())];
    if (place) input.fail("the argument " + name.substr(0, 80) + " is there twice");
    place = argument(input["arg"], found->real_type());
    const bool is_tensors = std::holds_alternative<std::vector<const Value*>>(*place);
    if (is_tensors != takes_tensors && !(takes_tensors && std::holds_alternative<c10::IValue>(*place))) {
      input.fail("expected " + found->real_type()->annotation_str());
    }
  });
  std::vector<Argument> arguments;
  for (size_t i = 0; i < schema.size(); ++i) {
    if (!given[i] && !schema[i].default_value()) {
      node.fail(toString(op.operator_name()) + " needs the argument " + schema[i].name());
    }
    arguments.push_back(given[i] ? *std::move(given[i]) : Argument(*schema[i].default_value()));
  }
  return arguments;
}

}  // namespace tracejet::pt2
