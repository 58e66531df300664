#pragma once

#include <cstddef>
#include <span>

namespace tracejet {

/// A file in memory: what nobody looks at is never read. Writes to the memory are this process's alone.
class MappedFile {
 public:
  /// Of a file that is open for reading, and may be closed afterwards. Throws Error where it is none, or can't be
  /// mapped.
  explicit MappedFile(int descriptor);
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  std::span<std::byte> bytes() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace tracejet
