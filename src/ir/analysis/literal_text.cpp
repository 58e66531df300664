#include "ir/analysis/literal_text.h"

#include <sstream>

namespace tracejet {

std::string LiteralText::of(const c10::IValue& constant) const {
  if (const auto expression = symbolic_expression(constant)) return of(*expression);
  if (constant.isInt()) return std::to_string(constant.toInt());
  if (constant.isList()) {
    std::string result = "[";
    for (const c10::IValue& element : constant.toListRef()) result += of(element) + ",";
    return result + "]";
  }
  std::ostringstream out;
  out.precision(17);
  out << constant.tagKind() << " " << constant;
  return out.str();
}

std::string LiteralText::shape(const Sizes& sizes) const {
  std::string result = "[";
  for (const c10::SymInt& size : sizes) result += of(size) + ",";
  return result + "]";
}

}  // namespace tracejet
