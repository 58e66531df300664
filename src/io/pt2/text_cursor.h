#pragma once

#include <cctype>
#include <charconv>
#include <string>
#include <string_view>

#include "base/error.h"

namespace tracejet::pt2 {

/// How deeply an expression may be nested.
inline constexpr int kMaxDepth = 200;

/// A place in the text of an expression, for those that read one from left to right.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : text_(text) {
    if (text.size() > kMaxLength)
      throw Error("an expression is longer than " + std::to_string(kMaxLength), ErrorCode::kUnreadableFile);
  }

  [[noreturn]] void fail(const std::string& expected) const {
    throw Error("expected " + expected + " at character " + std::to_string(at_) + " of the expression " +
                    std::string(text_.substr(0, 100)),
                ErrorCode::kUnreadableFile);
  }

  bool is_at_end() {
    skip_spaces();
    return at_ == text_.size();
  }
  bool peek(std::string_view what) {
    skip_spaces();
    return text_.substr(at_).starts_with(what);
  }
  bool peek_digit() {
    skip_spaces();
    return at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])) != 0;
  }
  bool peek_name() {
    skip_spaces();
    return at_ < text_.size() && is_word(text_[at_]) && !peek_digit();
  }
  bool take(std::string_view what) {
    if (!peek(what)) return false;
    at_ += what.size();
    return true;
  }
  void need(std::string_view what) {
    if (!take(what)) fail(std::string(what));
  }

  std::string_view name() {
    skip_spaces();
    const size_t begin = at_;
    while (at_ < text_.size() && is_word(text_[at_])) ++at_;
    if (at_ == begin) fail("a name");
    return text_.substr(begin, at_ - begin);
  }
  std::string_view quoted() {
    need("'");
    const size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) fail("the end of a string");
    const std::string_view content = text_.substr(at_, end - at_);
    at_ = end + 1;
    return content;
  }
  /// All of `digits` as a number.
  template <typename Number>
  Number plain(std::string_view digits) const {
    Number value{};
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (problem != std::errc() || end != digits.data() + digits.size()) fail("a number");
    return value;
  }
  /// The characters from here on that `is_part` takes.
  template <typename IsPart>
  std::string_view span(IsPart&& is_part) {
    skip_spaces();
    const size_t begin = at_;
    while (at_ < text_.size() && is_part(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  int64_t integer() {
    return plain<int64_t>(span([](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-'; }));
  }

 private:
  static constexpr size_t kMaxLength = 1 << 16;

  static bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace tracejet::pt2
