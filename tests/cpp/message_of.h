#pragma once

#include <functional>
#include <string>

namespace tracejet::testing {

/// What the error says that `action` throws.
template <typename Error>
std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace tracejet::testing
