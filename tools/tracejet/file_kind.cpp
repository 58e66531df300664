// All of PyTorch's files are zip archives, and differ in their entries.
#include "file_kind.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

#include <c10/util/ScopeExit.h>
#include <torch/csrc/export/pt2_archive_constants.h>

#include "base/mapped_file.h"
#include "io/pt2/zip_directory.h"
#include <tracejet/error.h>

namespace tracejet::command_line {

FileKind kind_of(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) {
    throw InvalidInput("there is no file " + path +
                       (std::filesystem::exists(path) ? ", but something else of that name" : ""));
  }
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) throw Error("can't read " + path + ": " + std::strerror(errno));
  const auto close = c10::make_scope_exit([file] { ::close(file); });
  try {
    const MappedFile content(file);
    const auto entries = pt2::read_zip_directory(content.bytes());
    const auto has = [&](std::string_view name) { return entries.contains(std::string(name)); };
    if (has(torch::_export::archive_spec::ARCHIVE_FORMAT_PATH)) return FileKind::kProgram;
    if (has("constants.pkl")) return FileKind::kScript;
    if (has("data.pkl")) return FileKind::kTensors;
  } catch (const Error&) {  // it is no archive
  }
  return FileKind::kOther;
}

}  // namespace tracejet::command_line
