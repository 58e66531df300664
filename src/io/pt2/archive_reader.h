#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include <c10/core/Storage.h>
#include <c10/util/Exception.h>

#include "base/error.h"
#include "base/mapped_file.h"
#include "base/shared_bytes.h"
#include "io/pt2/zip_directory.h"

namespace tracejet::pt2 {

/// The entries of a .pt2 archive. The file is mapped: what nobody reads is never loaded.
///
/// Whatever is wrong with the file is an Error that names it, and the entry.
class ArchiveReader {
 public:
  explicit ArchiveReader(const std::string& path);
  ArchiveReader(const ArchiveReader&) = delete;
  ArchiveReader& operator=(const ArchiveReader&) = delete;

  bool has(const std::string& name) const;
  /// The bytes of an entry, whose checksum is right; they live as long as this does.
  std::string_view text(const std::string& name) const;
  /// The bytes of an entry whose reader has a checksum of its own. They keep the file mapped.
  SharedBytes unchecked(const std::string& name) const;
  /// The memory of an entry, which keeps the file mapped. Writes to it don't reach the file. `is_checked`: all of it is
  /// read, to compare its checksum.
  c10::Storage storage(const std::string& name, bool is_checked) const;

  const std::string& path() const { return path_; }
  [[noreturn]] void fail(const std::string& problem) const;

 private:
  std::span<std::byte> bytes(const std::string& name, bool is_checked) const;

  std::string path_;
  std::shared_ptr<MappedFile> file_;
  std::unordered_map<std::string, ZipEntry> entries_;
};

/// A file's text in an error: bytes that aren't printable ASCII are left out of it.
std::string printable(const std::string& text);

/// What `function` reads of a file; its errors name that.
template <typename Function>
auto naming_file(const ArchiveReader& archive, Function&& function) {
  const std::string prefix = "can't load " + archive.path() + ": ";
  try {
    return function();
  } catch (const UnsupportedOperator& error) {
    throw UnsupportedOperator(prefix + printable(said_by(error)), ErrorCode::kFileContent);
  } catch (const Error& error) {
    const std::string message = said_by(error);
    throw Error(message.starts_with(prefix) ? message : prefix + printable(message), ErrorCode::kUnreadableFile);
  } catch (const c10::Error& error) {
    throw Error(prefix + printable(error.what_without_backtrace()), ErrorCode::kUnreadableFile);
  } catch (const std::bad_alloc&) {
    throw Error(prefix + "it needs more memory than there is", ErrorCode::kUnreadableFile);
  }
}

}  // namespace tracejet::pt2
