#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tracejet {

/// Bytes that live as long as somebody holds their owner: what was read, or a part of a file that is mapped.
class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(std::shared_ptr<const void> owner, std::string_view view) : owner_(std::move(owner)), view_(view) {}
  explicit SharedBytes(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    view_ = *owner;
    owner_ = std::move(owner);
  }

  std::string_view view() const { return view_; }
  size_t size() const { return view_.size(); }

  /// All from this place on.
  SharedBytes from(size_t begin) const { return {owner_, view_.substr(begin)}; }

 private:
  std::shared_ptr<const void> owner_;
  std::string_view view_;
};

}  // namespace tracejet
