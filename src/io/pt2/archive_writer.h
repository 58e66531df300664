#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace caffe2::serialize {
class PyTorchStreamWriter;
}

namespace tracejet::pt2 {

/// Writes the entries of a .pt2 archive. The file takes its place when all of it is there: whatever goes wrong, what
/// was there before stays. Links are followed; a device, a fifo or a folder is nothing that a file can take the place
/// of.
class ArchiveWriter {
 public:
  /// Throws Error where no file can be made there, or something else than a file is.
  explicit ArchiveWriter(std::string path);
  ArchiveWriter(const ArchiveWriter&) = delete;
  ArchiveWriter& operator=(const ArchiveWriter&) = delete;
  ~ArchiveWriter();

  /// Throws Error where the disk is full.
  void write(const std::string& name, const void* data, size_t size);
  void write(const std::string& name, std::string_view text) { write(name, text.data(), text.size()); }
  void close();

 private:
  std::filesystem::path target() const;
  void check() const;
  [[noreturn]] void fail(const std::string& problem) const;

  std::string path_;
  std::filesystem::path target_, unfinished_;
  int file_;
  /// What went wrong first, as errno has it; nothing is written from then on. PyTorch's writer isn't told: it would end
  /// the process in its destructor.
  int problem_ = 0;
  std::unique_ptr<caffe2::serialize::PyTorchStreamWriter> writer_;
};

}  // namespace tracejet::pt2
