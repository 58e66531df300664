#include "ir/node_text.h"

#include <sstream>

namespace tracejet {

std::string name_of(const Value* value) {
  if (value == nullptr) return "None";
  return "%" + std::to_string(value->id());
}

std::string text_of(const Argument& argument) {
  if (const auto* value = std::get_if<const Value*>(&argument)) return name_of(*value);
  std::ostringstream out;
  if (const auto* list = std::get_if<std::vector<const Value*>>(&argument)) {
    out << '[';
    for (size_t i = 0; i < list->size(); ++i) out << (i == 0 ? "" : ", ") << name_of((*list)[i]);
    out << ']';
  } else {
    out << std::get<c10::IValue>(argument);
  }
  return out.str();
}

std::string definition_of(const Value* value) {
  if (value == nullptr) return "None";
  std::ostringstream out;
  out << name_of(value) << ": ";
  if (value->is_tensor()) {
    out << value->tensor().str();
  } else {
    out << value->scalar();
  }
  return out.str();
}

std::string text_of(const Node& node) {
  std::ostringstream out;
  for (size_t i = 0; i < node.outputs().size(); ++i) out << (i == 0 ? "" : ", ") << definition_of(node.outputs()[i]);
  out << (node.outputs().empty() ? "" : " = ") << node.op().operator_name() << '(';
  const auto& schema = node.op().schema().arguments();
  for (size_t i = 0; i < node.arguments().size(); ++i) {
    out << (i == 0 ? "" : ", ");
    if (i < schema.size()) out << schema[i].name() << '=';
    out << text_of(node.arguments()[i]);
  }
  out << ')';
  return out.str();
}

}  // namespace tracejet
