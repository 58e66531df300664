#include "answer.h"

#include <cstdio>
#include <iostream>

#include <c10/util/Exception.h>

#include <tracejet/error.h>

namespace tracejet::command_line {

namespace {

/// Files hold any bytes, and so may messages about them.
std::string in_json(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace); }

}  // namespace

int say_error(Status status, const std::string& type, const std::string& message, bool as_json) {
  if (as_json) {
    std::cout << in_json({{"error", {{"type", type}, {"message", message}}}}) << '\n';
  } else {
    std::cerr << type << ": " << message << '\n';
  }
  return static_cast<int>(status);
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

int answer(const std::function<Answer()>& command, bool as_json) {
  try {
    const Answer given = command();
    std::cout << (as_json ? in_json(given.found) : given.text) << '\n';
    return static_cast<int>(given.status);
  } catch (const Error& error) {
    const bool is_the_users = dynamic_cast<const InvalidInput*>(&error) != nullptr;
    return say_error(is_the_users ? Status::kUsage : Status::kFailed, std::string(error.kind()), error.what(), as_json);
  } catch (const c10::Error& error) {
    return say_error(Status::kFailed, "PyTorch", first_line(error.what_without_backtrace()), as_json);
  } catch (const std::exception& error) {
    return say_error(Status::kFailed, "an exception", error.what(), as_json);
  }
}

}  // namespace tracejet::command_line
