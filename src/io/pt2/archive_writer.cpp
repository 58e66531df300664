#include "io/pt2/archive_writer.h"

#include <atomic>
#include <caffe2/serialize/inline_container.h>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <c10/util/Exception.h>
#include <torch/csrc/export/pt2_archive_constants.h>

#include "base/error.h"

namespace tracejet::pt2 {

namespace {

namespace fs = std::filesystem;
namespace spec = torch::_export::archive_spec;

/// The version of the zip's own layout, as torch.export.save has it.
constexpr uint64_t kContainerVersion = 6;

/// A name beside the file's that no other writer uses.
fs::path unfinished_name(fs::path path) {
  static std::atomic<int> count = 0;
  return path += "." + std::to_string(::getpid()) + "-" + std::to_string(count++) + ".unfinished";
}

/// False, with errno set, where not all bytes could be written, as on a full disk.
bool writes_all(int file, const void* data, size_t size) {
  size_t written = 0;
  while (written < size) {
    const ssize_t count = ::write(file, static_cast<const char*>(data) + written, size - written);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    written += static_cast<size_t>(count);
  }
  return true;
}

}  // namespace

ArchiveWriter::ArchiveWriter(std::string path)
    : path_(std::move(path)), target_(target()), unfinished_(unfinished_name(target_)) {
  file_ = ::open(unfinished_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file_ < 0) fail(std::strerror(errno));
  writer_ = std::make_unique<caffe2::serialize::PyTorchStreamWriter>([this](const void* data, size_t size) {
    if (problem_ == 0 && !writes_all(file_, data, size)) problem_ = errno;
    return size;
  });
  writer_->setMinVersion(kContainerVersion);
}

ArchiveWriter::~ArchiveWriter() {
  if (file_ < 0) return;
  problem_ = ECANCELED;  // the writer's destructor writes an end
  writer_.reset();
  ::close(file_);
  ::unlink(unfinished_.c_str());
}

void ArchiveWriter::fail(const std::string& problem) const {
  throw Error("can't write " + path_ + ": " + problem, ErrorCode::kUnwritableFile);
}

/// Where the file will be: a link is written through, as one that is opened would be, also where it leads to nothing
/// yet.
fs::path ArchiveWriter::target() const {
  constexpr int kMostLinks = 40;  // as Linux
  std::error_code failed;
  const fs::file_status status = fs::status(path_, failed);
  if (fs::is_directory(status)) fail(std::strerror(EISDIR));
  if (fs::exists(status) && !fs::is_regular_file(status)) fail("there is something else than a file");
  fs::path target = path_;
  for (int links = 0; fs::is_symlink(target, failed); ++links) {
    if (links == kMostLinks) fail(std::strerror(ELOOP));
    target = target.parent_path() / fs::read_symlink(target, failed);
    if (failed) fail(failed.message());
  }
  return target;
}

void ArchiveWriter::write(const std::string& name, const void* data, size_t size) {
  try {
    writer_->writeRecord(name, data, size);
  } catch (const c10::Error& error) {
    fail(error.what_without_backtrace());
  }
  check();
}

void ArchiveWriter::check() const {
  if (problem_ != 0) fail(std::strerror(problem_));
}

void ArchiveWriter::close() {
  write(std::string(spec::ARCHIVE_FORMAT_PATH), spec::ARCHIVE_FORMAT_VALUE);
  write(std::string(spec::ARCHIVE_VERSION_PATH), spec::ARCHIVE_VERSION_VALUE);
  writer_->writeEndOfFile();
  check();
  if (::rename(unfinished_.c_str(), target_.c_str()) != 0) fail(std::strerror(errno));
  ::close(file_);
  file_ = -1;
}

}  // namespace tracejet::pt2
