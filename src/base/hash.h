#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace tracejet {

/// A hash of 128 bits of what it is given, in order (XXH3): for keys and checksums, no protection against forgery. The
/// same in every process.
class Hasher {
 public:
  Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher();

  void bytes(const void* data, size_t size);
  /// With its length: "ab" and "c" isn't "a" and "bc".
  void text(std::string_view text);
  /// By its bits: -0.0 isn't 0.0.
  template <typename Number>
    requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
  void number(Number value) {
    bytes(&value, sizeof value);
  }

  /// Of all so far, as 32 characters.
  std::string hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Of some bytes alone.
std::string hash_of(std::string_view bytes);

}  // namespace tracejet
