#include "io/pt2/node_names.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace tracejet::pt2 {

namespace {

/// Python's keywords and builtins, and what fx keeps for the code that it writes.
constexpr std::string_view kReserved[] = {
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BufferError",
    "Ellipsis",
    "Exception",
    "False",
    "GeneratorExit",
    "IndexError",
    "KeyError",
    "NameError",
    "None",
    "NoneType",
    "NotImplemented",
    "OSError",
    "RuntimeError",
    "StopIteration",
    "True",
    "TypeError",
    "ValueError",
    "Warning",
    "abs",
    "aiter",
    "all",
    "and",
    "anext",
    "any",
    "as",
    "ascii",
    "assert",
    "async",
    "await",
    "bin",
    "bool",
    "break",
    "breakpoint",
    "bytearray",
    "bytes",
    "callable",
    "chr",
    "class",
    "classmethod",
    "compile",
    "complex",
    "continue",
    "copyright",
    "credits",
    "def",
    "del",
    "delattr",
    "device",
    "dict",
    "dir",
    "divmod",
    "elif",
    "else",
    "enumerate",
    "eval",
    "except",
    "exec",
    "exit",
    "filter",
    "finally",
    "float",
    "for",
    "format",
    "from",
    "frozenset",
    "fx_pytree",
    "getattr",
    "global",
    "globals",
    "hasattr",
    "hash",
    "help",
    "hex",
    "id",
    "if",
    "import",
    "in",
    "inf",
    "input",
    "int",
    "is",
    "isinstance",
    "issubclass",
    "iter",
    "lambda",
    "len",
    "license",
    "list",
    "locals",
    "map",
    "max",
    "memoryview",
    "min",
    "nan",
    "next",
    "nonlocal",
    "not",
    "object",
    "oct",
    "open",
    "or",
    "ord",
    "pass",
    "pow",
    "print",
    "property",
    "pytree",
    "quit",
    "raise",
    "range",
    "repr",
    "return",
    "reversed",
    "round",
    "self",
    "set",
    "setattr",
    "slice",
    "sorted",
    "staticmethod",
    "str",
    "sum",
    "super",
    "torch",
    "try",
    "tuple",
    "type",
    "vars",
    "while",
    "with",
    "yield",
    "zip",
};
static_assert(std::ranges::is_sorted(kReserved));

bool is_reserved(std::string_view name) { return std::ranges::binary_search(kReserved, name); }

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Runs of what can't be in an identifier become one `_`.
std::string identifier(std::string_view text) {
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_word(text[i])) {
      name += text[i];
    } else if (i == 0 || is_word(text[i - 1])) {
      name += '_';
    }
  }
  if (name.empty()) return "_unnamed";
  return is_digit(name[0]) ? "_" + name : name;
}

/// Where the number of "name_12" begins; npos without one.
size_t number_at(std::string_view name) {
  const size_t last = name.find_last_not_of("0123456789");
  const bool has_number = last != std::string_view::npos && last > 0 && last + 1 < name.size() && name[last] == '_';
  return has_number && name.size() - last < 18 ? last + 1 : std::string_view::npos;
}

}  // namespace

std::string NodeNames::unique(std::string_view wanted) {
  std::string name = identifier(wanted);
  const size_t at = number_at(name);
  const std::string base = at == std::string::npos ? name : name.substr(0, at - 1);
  int64_t number = 0;
  if (at == std::string::npos || taken_.contains(name)) {
    const auto count = counts_.find(base);
    if (count != counts_.end()) number = count->second;
    if (is_reserved(name)) name = base + "_" + std::to_string(++number);
  } else {
    number = std::stoll(name.substr(at));
  }
  while (taken_.contains(name)) name = base + "_" + std::to_string(++number);
  taken_.insert(name);
  counts_[base] = number;
  return name;
}

}  // namespace tracejet::pt2
