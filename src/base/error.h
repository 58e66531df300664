#pragma once

#include <algorithm>
#include <exception>
#include <string>

#include <tracejet/error.h>  // the errors are part of the public API

namespace tracejet {

/// What an error says, for a message that quotes it: without the line that names its section, which the message has
/// itself, and without the stacks that Python and PyTorch add.
inline std::string said_by(const std::exception& error) {
  if (const auto* own = dynamic_cast<const Error*>(&error)) return std::string(own->message());
  std::string text = error.what();
  text.resize(std::min({text.find("\n\nAt:\n"), text.find("\nException raised from"), text.size()}));
  if (code_named_in(text)) text.resize(text.rfind(std::string("\n").append(kSeeErrors)));
  return text;
}

}  // namespace tracejet
