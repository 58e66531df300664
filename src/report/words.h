#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tracejet {

/// "1 node", "2 nodes".
inline std::string count_in_words(int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

inline std::string joined_words(const std::vector<std::string>& words, const std::string& separator = ", ") {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

}  // namespace tracejet
