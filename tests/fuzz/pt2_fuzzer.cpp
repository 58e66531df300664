// libFuzzer on the reader of .pt2 files: whatever the bytes are, it gives a program, of which each line can be said, or
// throws an Error.
//
//   pt2_fuzzer -dict=tests/fuzz/pt2.dict NEW_FOLDER tests/cpp/io/corpus
//   pt2_fuzzer FILE...                     runs these alone
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <span>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

#include "io/pt2/archive_reader.h"
#include "io/pt2/archive_writer.h"
#include "io/pt2/program_reader.h"
#include "io/pt2/zip_directory.h"
#include "ir/model_line.h"
#include <tracejet/error.h>

namespace {

/// Bytes in memory that have a path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes = {}) : file_(memfd_create("pt2", 0)) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written <= 0) std::abort();
      bytes.remove_prefix(static_cast<size_t>(written));
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(file_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

void read(std::string_view bytes) {
  const MemoryFile file(bytes);
  try {
    const tracejet::pt2::ArchiveReader archive(file.path());
    const auto program = tracejet::pt2::read_as_saved(archive, /*checks_weights=*/true);
    for (const tracejet::Node& node : program.graph->nodes()) (void)describe(node.where(), *program.graph);
  } catch (const tracejet::Error&) {  // anything else is a finding
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read({reinterpret_cast<const char*>(data), size});
  return 0;
}

#ifdef TRACEJET_LIBFUZZER

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using Entries = std::map<std::string, std::string>;

/// Throws Error where the archive is broken.
Entries entries_of(std::string_view file) {
  Entries entries;
  for (const auto& [name, entry] : tracejet::pt2::read_zip_directory(std::as_bytes(std::span(file)))) {
    const bool is_writers_own = name.starts_with("archive_") || name.starts_with(".data/");
    if (!is_writers_own) entries.emplace(name, file.substr(entry.begin, entry.size));
  }
  return entries;
}

std::string archive_of(const Entries& entries) {
  char folder[] = "/dev/shm/pt2_fuzzer_XXXXXX";
  if (mkdtemp(folder) == nullptr) std::abort();
  const std::string path = std::string(folder) + "/model.pt2";
  {
    tracejet::pt2::ArchiveWriter writer(path);
    for (const auto& [name, content] : entries) writer.write(name, content);
    writer.close();
  }
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  ::unlink(path.c_str());
  ::rmdir(folder);
  return bytes;
}

}  // namespace

/// Mostly changes what is in an entry, whose checksum is then right again: otherwise nothing behind it would be
/// reached.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  std::minstd_rand random(seed);
  if (random() % 8 == 0) return LLVMFuzzerMutate(data, size, max_size);
  try {
    Entries entries = entries_of({reinterpret_cast<const char*>(data), size});
    if (entries.empty()) return LLVMFuzzerMutate(data, size, max_size);
    auto chosen = std::next(entries.begin(), static_cast<std::ptrdiff_t>(random() % entries.size()));
    // The program itself is the largest part of the reader.
    for (auto entry = entries.begin(); random() % 4 != 0 && entry != entries.end(); ++entry) {
      if (entry->first.ends_with(".json") && random() % 2 == 0) chosen = entry;
    }
    std::string& content = chosen->second;
    const size_t length = content.size();
    content.resize(length + 256);
    content.resize(LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(content.data()), length, content.size()));
    const std::string bytes = archive_of(entries);
    if (bytes.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
    std::copy(bytes.begin(), bytes.end(), data);
    return bytes.size();
  } catch (const tracejet::Error&) {
    return LLVMFuzzerMutate(data, size, max_size);
  }
}

#else

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    read(std::string((std::istreambuf_iterator<char>(file)), {}));
    std::printf("%s: done\n", argv[i]);
  }
  return 0;
}

#endif
