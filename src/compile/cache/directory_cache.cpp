#include "compile/cache/directory_cache.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

#include "base/error.h"
#include "base/mapped_file.h"
#include "compile/cache/entry.h"

namespace tracejet {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKept = ".engine", kUnfinished = ".unfinished";

std::string said(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail(const std::string& what, const fs::path& path, int error) {
  throw Error("can't " + what + " " + path.string() + ": " + said(error), ErrorCode::kEngineCache);
}

class File {
 public:
  File(const fs::path& path, int flags) : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (is_open()) ::close(descriptor_);
  }

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  /// As much as there is, or `limit`; nullopt where reading fails.
  std::optional<std::string> read(size_t limit) const {
    struct stat about = {};
    if (::fstat(descriptor_, &about) != 0) return std::nullopt;
    std::string bytes(std::min(limit, static_cast<size_t>(about.st_size)), '\0');
    for (size_t done = 0; done < bytes.size();) {
      const ssize_t count = ::read(descriptor_, bytes.data() + done, bytes.size() - done);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return std::nullopt;
      if (count == 0) bytes.resize(done);
      done += static_cast<size_t>(count);
    }
    return bytes;
  }

  bool write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno != EINTR) return false;
      if (count > 0) bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

 private:
  int descriptor_;
};

/// Held by the one process and thread that changes the folder. It ends with the process, however that ends.
class Lock {
 public:
  explicit Lock(const fs::path& folder) : file_(folder / ".lock", O_RDWR | O_CREAT) {
    if (!file_.is_open()) fail("lock the engine cache", folder, errno);
    while (::flock(file_.descriptor(), LOCK_EX) != 0) {
      if (errno != EINTR) fail("lock the engine cache", folder, errno);
    }
  }

 private:
  File file_;
};

struct KeptFile {
  fs::path path;
  struct stat about;
};

/// The files of the cache with this ending. Others may take some away meanwhile.
std::vector<KeptFile> files_in(const fs::path& folder, std::string_view ending) {
  std::vector<KeptFile> files;
  std::error_code failed;
  for (fs::directory_iterator each(folder, failed), end; !failed && each != end; each.increment(failed)) {
    KeptFile file{each->path(), {}};
    if (file.path.extension() == ending && ::lstat(file.path.c_str(), &file.about) == 0 &&
        S_ISREG(file.about.st_mode)) {
      files.push_back(std::move(file));
    }
  }
  return files;
}

/// While the folder is locked, nobody is writing these: who did was killed.
void remove_unfinished(const fs::path& folder) {
  for (const KeptFile& file : files_in(folder, kUnfinished)) ::unlink(file.path.c_str());
}

bool is_older(const KeptFile& a, const KeptFile& b) {
  const timespec &x = a.about.st_mtim, &y = b.about.st_mtim;
  return std::pair(x.tv_sec, x.tv_nsec) < std::pair(y.tv_sec, y.tv_nsec);
}

/// Removes what was used longest ago until the rest and `more` bytes fit.
void make_room(const fs::path& folder, const fs::path& replaced, int64_t more, int64_t size) {
  std::vector<KeptFile> files = files_in(folder, kKept);
  std::erase_if(files, [&](const KeptFile& file) { return file.path == replaced; });
  int64_t total = more;
  for (const KeptFile& file : files) total += file.about.st_size;
  std::ranges::sort(files, is_older);
  for (const KeptFile& file : files) {
    if (total <= size) return;
    if (::unlink(file.path.c_str()) == 0) total -= file.about.st_size;
  }
}

void make_folder(const fs::path& folder) {
  std::error_code failed;
  if (fs::is_directory(folder, failed)) return;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), failed);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) fail("make the folder", folder, errno);
}

fs::path chosen(const std::string& folder) { return folder.empty() ? default_engine_cache_dir() : folder; }

CachedEngine cached_engine_in(const KeptFile& file) {
  CachedEngine engine;
  engine.key = file.path.stem();
  engine.bytes = file.about.st_size;
  engine.last_used = file.about.st_mtim.tv_sec;
  const File opened(file.path, O_RDONLY);
  const auto beginning = opened.is_open() ? opened.read(kEntryBeginning) : std::nullopt;
  const auto entry = beginning ? described_by(*beginning) : std::nullopt;
  if (!entry) return engine;
  engine.engine = entry->engine;
  engine.fingerprint = entry->fingerprint;
  engine.version = entry->version;
  engine.nodes = entry->nodes;
  engine.refused = static_cast<int64_t>(entry->refused.size());
  return engine;
}

std::vector<KeptFile> latest_first(const fs::path& folder) {
  std::vector<KeptFile> files = files_in(folder, kKept);
  std::ranges::sort(files, [](const KeptFile& a, const KeptFile& b) { return is_older(b, a); });
  return files;
}

}  // namespace

DirectoryCache::DirectoryCache(std::string folder, int64_t size) : folder_(chosen(folder)), size_(size) {}

void DirectoryCache::insert(const std::string& key, std::string_view entry) {
  const fs::path folder(folder_);
  const auto needed = static_cast<int64_t>(entry.size());
  if (needed > size_) {
    throw Error("an entry has " + std::to_string(needed) + " bytes, and engine_cache_size is " + std::to_string(size_),
                ErrorCode::kEngineCache);
  }
  make_folder(folder);
  const Lock lock(folder);
  remove_unfinished(folder);
  const fs::path path = folder / (key + std::string(kKept));
  make_room(folder, path, needed, size_);
  const fs::path unfinished = folder / (key + std::string(kUnfinished));
  int error = 0;
  {
    const File file(unfinished, O_WRONLY | O_CREAT | O_EXCL);
    if (!file.is_open() || !file.write(entry)) error = errno;
  }
  if (error == 0 && ::rename(unfinished.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return;
  ::unlink(unfinished.c_str());
  fail("write", path, error);
}

std::optional<std::string> DirectoryCache::check(const std::string& key) {
  const auto bytes = mapped(key);
  return bytes ? std::optional<std::string>(bytes->view()) : std::nullopt;
}

std::optional<SharedBytes> DirectoryCache::mapped(const std::string& key) {
  const fs::path path = fs::path(folder_) / (key + std::string(kKept));
  const File file(path, O_RDONLY);
  if (!file.is_open()) {
    if (errno == ENOENT) return std::nullopt;
    fail("read", path, errno);
  }
  ::futimens(file.descriptor(), nullptr);  // when it was used last
  const auto content = std::make_shared<const MappedFile>(file.descriptor());
  const auto bytes = content->bytes();
  return SharedBytes(content, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string default_engine_cache_dir() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  fs::path caches = variable("XDG_CACHE_HOME");
  if (!caches.is_absolute()) caches = variable("HOME") / ".cache";
  return caches / "tracejet" / "engines";
}

std::vector<CachedEngine> cached_engines(const std::string& folder) {
  std::vector<CachedEngine> engines;
  for (const KeptFile& file : latest_first(chosen(folder))) engines.push_back(cached_engine_in(file));
  return engines;
}

std::vector<CachedEngine> clear_engine_cache(const std::string& folder) {
  const fs::path cache = chosen(folder);
  std::error_code failed;
  if (!fs::exists(cache / ".lock", failed)) return {};
  const Lock lock(cache);
  remove_unfinished(cache);
  std::vector<CachedEngine> removed;
  for (const KeptFile& file : latest_first(cache)) {
    removed.push_back(cached_engine_in(file));
    if (::unlink(file.path.c_str()) != 0) fail("remove", file.path, errno);
  }
  return removed;
}

}  // namespace tracejet
