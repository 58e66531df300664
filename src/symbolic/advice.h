#pragma once

#include <string>
#include <string_view>

#include "symbolic/expression.h"

namespace tracejet::symbolic {

/// What code is written in, and so what errors advise it to write.
enum class Language { kPython, kCpp };

/// Of the code at work on this thread.
Language language_at_work();

/// While it lives, the code that runs on this thread is in this language; it is Python where nobody says.
class WrittenIn {
 public:
  explicit WrittenIn(Language language);
  WrittenIn(const WrittenIn&) = delete;
  WrittenIn& operator=(const WrittenIn&) = delete;
  ~WrittenIn();

 private:
  Language before_;
};

/// What the code at work can say before it asks, or do instead, where only data tell `open`: a condition, or a number.
std::string advice_on(const Expression& open);
/// What it can do instead of reading data.
std::string_view advice_on_reading();

}  // namespace tracejet::symbolic
