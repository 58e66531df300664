#include "answer.h"

#include <cstdio>
#include <iostream>

#include <c10/util/Exception.h>

#include <tracejet/error.h>
#include <tracejet/verify.h>

namespace tracejet::command_line {

namespace {

std::string type_of(const Error& error) {
  if (dynamic_cast<const UnsupportedOperator*>(&error) != nullptr) return "UnsupportedOperator";
  if (dynamic_cast<const ConstraintViolation*>(&error) != nullptr) return "ConstraintViolation";
  if (dynamic_cast<const ShapeError*>(&error) != nullptr) return "ShapeError";
  if (dynamic_cast<const DataDependent*>(&error) != nullptr) return "DataDependent";
  if (dynamic_cast<const VerificationError*>(&error) != nullptr) return "VerificationError";
  return "Error";
}

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

int answer(const std::function<Answer()>& command, bool as_json) {
  try {
    const Answer given = command();
    std::cout << (as_json ? in_json(given.found) : given.text) << '\n';
    return static_cast<int>(given.status);
  } catch (const InvalidInput& error) {
    return say_error(Status::kUsage, "InvalidInput", error.what(), as_json);
  } catch (const Error& error) {
    return say_error(Status::kFailed, type_of(error), error.what(), as_json);
  } catch (const c10::Error& error) {
    return say_error(Status::kFailed, "c10::Error", error.what_without_backtrace(), as_json);
  } catch (const std::exception& error) {
    return say_error(Status::kFailed, "an exception", error.what(), as_json);
  }
}

}  // namespace tracejet::command_line
