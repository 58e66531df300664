#pragma once

#include <algorithm>
#include <cctype>
#include <string_view>

namespace tracejet {

/// Whether Python takes it for a name; letters beyond ASCII count as letters.
inline bool is_identifier(std::string_view name) {
  const auto is_letter = [](unsigned char c) { return std::isalpha(c) != 0 || c == '_' || c >= 0x80; };
  return !name.empty() && is_letter(static_cast<unsigned char>(name.front())) &&
         std::ranges::all_of(name, [&](unsigned char c) { return is_letter(c) || std::isdigit(c) != 0; });
}

}  // namespace tracejet
