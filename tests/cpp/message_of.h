#pragma once

#include <functional>
#include <string>

#include "base/error.h"

namespace tracejet::testing {

/// What the error says that `action` throws, without the line that names its section.
template <typename Error>
std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return said_by(error);
  }
  return "nothing was thrown";
}

}  // namespace tracejet::testing
