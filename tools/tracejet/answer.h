#pragma once

#include <exception>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace tracejet::command_line {

using Json = nlohmann::ordered_json;

/// Exit statuses: those of the command line in Python.
enum class Status {
  kOk = 0,
  kNo = 1,      ///< the answer is no: the engine doesn't run it all, results differ
  kUsage = 2,   ///< usage error: no such model, engine or input
  kFailed = 3,  ///< the model couldn't be loaded, traced, compiled or run
};

/// How a command ends.
struct Answer {
  std::string text;             ///< for people
  Json found = Json::object();  ///< for machines
  Status status = Status::kOk;
};

/// Runs a command, prints what it found out (one JSON object where `as_json`), and gives the exit status. Errors go to
/// standard error, or into that object.
int answer(const std::function<Answer()>& command, bool as_json);

/// Of what PyTorch says: what is behind it is about PyTorch's insides.
std::string first_line(const std::string& text);

/// Prints an error as a command's.
int say_error(Status status, const std::string& type, const std::string& message, bool as_json);

}  // namespace tracejet::command_line
