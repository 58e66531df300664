#include "io/pt2/archive_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <c10/core/CPUAllocator.h>
#include <c10/util/ScopeExit.h>
#include <torch/csrc/export/pt2_archive_constants.h>

#include "base/error.h"

namespace tracejet::pt2 {

namespace spec = torch::_export::archive_spec;

namespace {

std::shared_ptr<MappedFile> mapped(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a fifo waits for a writer otherwise
  if (file < 0) throw Error(std::strerror(errno), ErrorCode::kUnreadableFile);
  const auto close = c10::make_scope_exit([file] { ::close(file); });
  auto content = std::make_shared<MappedFile>(file);
  if (content->bytes().empty()) throw Error("it is empty", ErrorCode::kUnreadableFile);
  return content;
}

}  // namespace

std::string printable(const std::string& text) {
  std::string shown = text;
  std::ranges::replace_if(shown, [](char c) { return (c < ' ' && c != '\n') || c > '~'; }, '?');
  return shown;
}

void ArchiveReader::fail(const std::string& problem) const {
  throw Error("can't load " + path_ + ": " + printable(problem), ErrorCode::kUnreadableFile);
}

ArchiveReader::ArchiveReader(const std::string& path) : path_(path) {
  try {
    file_ = mapped(path);
    entries_ = read_zip_directory(file_->bytes());
  } catch (const Error& error) {
    fail(said_by(error));
  }
  const std::string format(spec::ARCHIVE_FORMAT_PATH);
  if (!has(format) || text(format) != spec::ARCHIVE_FORMAT_VALUE) fail("it is no .pt2 archive");
  const std::string version(spec::ARCHIVE_VERSION_PATH);
  if (has(version) && text(version) != spec::ARCHIVE_VERSION_VALUE) {
    fail("it is an archive of version " + std::string(text(version).substr(0, 20)) + "; this reads version " +
         std::string(spec::ARCHIVE_VERSION_VALUE));
  }
}

bool ArchiveReader::has(const std::string& name) const { return entries_.contains(name); }

std::span<std::byte> ArchiveReader::bytes(const std::string& name, bool is_checked) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) fail("it has no entry " + name.substr(0, 120));
  const ZipEntry& entry = found->second;
  if (!entry.is_stored) fail(name + " is compressed or encrypted; the entries of .pt2 archives are stored as they are");
  const auto content = file_->bytes().subspan(entry.begin, entry.size);
  if (is_checked && crc32(content) != entry.checksum) fail(name + " is damaged: its checksum is another one");
  return content;
}

std::string_view ArchiveReader::text(const std::string& name) const {
  const auto content = bytes(name, /*is_checked=*/true);
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

SharedBytes ArchiveReader::unchecked(const std::string& name) const {
  const auto content = bytes(name, /*is_checked=*/false);
  return {file_, {reinterpret_cast<const char*>(content.data()), content.size()}};
}

c10::Storage ArchiveReader::storage(const std::string& name, bool is_checked) const {
  const auto content = bytes(name, is_checked);
  auto* keeper = new std::shared_ptr<MappedFile>(file_);
  c10::DataPtr data(
      content.data(), keeper, [](void* kept) { delete static_cast<std::shared_ptr<MappedFile>*>(kept); },
      c10::Device(c10::kCPU));
  return {c10::Storage::use_byte_size_t(), content.size(), std::move(data), c10::GetCPUAllocator(),
          /*resizable=*/false};
}

}  // namespace tracejet::pt2
