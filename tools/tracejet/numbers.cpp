#include "numbers.h"

#include <charconv>
#include <cmath>
#include <string>

namespace tracejet::command_line {

CLI::Validator whole_number(uint64_t least, uint64_t greatest) {
  const auto check = [least, greatest](const std::string& text) {
    uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [read, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && read == end && number >= least && number <= greatest) return std::string();
    return "expected a whole number from " + std::to_string(least) + " to " + std::to_string(greatest) + ", got " +
           text.substr(0, 60);
  };
  return CLI::Validator(check, "NUMBER");
}

CLI::Validator seconds() {
  const auto check = [](const std::string& text) {
    double seconds = 0;
    const bool is_time = CLI::detail::lexical_cast(text, seconds) && std::isfinite(seconds) && seconds >= 0;
    return is_time ? std::string() : "expected a number of seconds, got " + text.substr(0, 60);
  };
  return CLI::Validator(check, "SECONDS");
}

CLI::Validator something() {
  return CLI::Validator(
      [](const std::string& text) { return text.empty() ? std::string("expected a value, got none") : std::string(); },
      "");
}

}  // namespace tracejet::command_line
