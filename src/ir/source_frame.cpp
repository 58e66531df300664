#include "ir/source_frame.h"

#include <fstream>

namespace tracejet {

std::string SourceFrame::text() const {
  std::ifstream source(file);
  std::string content;
  for (int64_t i = 0; i < line; ++i) {
    if (!std::getline(source, content)) return {};
  }
  const auto begin = content.find_first_not_of(" \t");
  return begin == std::string::npos ? std::string() : content.substr(begin);
}

}  // namespace tracejet
