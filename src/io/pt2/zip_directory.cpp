// See APPNOTE.TXT of PKWARE, 4.3: the end of the directory comes last, and says where the directory is.
#include "io/pt2/zip_directory.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/error.h"

namespace tracejet::pt2 {

namespace {

constexpr uint32_t kLocalHeader = 0x04034b50, kDirectoryHeader = 0x02014b50, kDirectoryEnd = 0x06054b50;
constexpr uint32_t kDirectoryEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr size_t kLocalSize = 30, kDirectorySize = 46, kEndSize = 22, kEnd64Size = 56, kLocator64Size = 20;
constexpr size_t kLongestComment = 0xFFFF;
constexpr uint16_t kExtra64 = 1, kEncrypted = 1;
constexpr uint32_t kSee64 = 0xFFFFFFFF;

/// Numbers of a file; asked for one outside of it, it throws.
class Bytes {
 public:
  explicit Bytes(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t size() const { return bytes_.size(); }
  std::span<const std::byte> part(uint64_t at, uint64_t size) const {
    if (at > bytes_.size() || bytes_.size() - at < size)
      throw Error("its directory points outside of the file", ErrorCode::kUnreadableFile);
    return bytes_.subspan(static_cast<size_t>(at), static_cast<size_t>(size));
  }
  template <typename Number>
  Number number(uint64_t at) const {
    Number value = 0;
    const auto digits = part(at, sizeof(Number));
    for (size_t i = sizeof(Number); i-- > 0;) value = static_cast<Number>(value << 8 | std::to_integer<int>(digits[i]));
    return value;
  }
  uint16_t u16(uint64_t at) const { return number<uint16_t>(at); }
  uint32_t u32(uint64_t at) const { return number<uint32_t>(at); }
  uint64_t u64(uint64_t at) const { return number<uint64_t>(at); }
  std::string text(uint64_t at, uint64_t size) const {
    const auto content = part(at, size);
    return {reinterpret_cast<const char*>(content.data()), content.size()};
  }

 private:
  std::span<const std::byte> bytes_;
};

struct Directory {
  uint64_t begin, size;
};

std::optional<uint64_t> find_end(const Bytes& file) {
  if (file.size() < kEndSize) return std::nullopt;
  const size_t last = file.size() - kEndSize;
  for (size_t at = last + 1; at-- > last - std::min(last, kLongestComment);) {
    if (file.u32(at) == kDirectoryEnd && file.u16(at + 20) == last - at) return at;
  }
  return std::nullopt;
}

Directory find_directory(const Bytes& file) {
  const auto end = find_end(file);
  if (!end) throw Error("it is no .pt2 archive, or its end is missing", ErrorCode::kUnreadableFile);
  if (*end < kLocator64Size || file.u32(*end - kLocator64Size) != kLocator64) {
    return {file.u32(*end + 16), file.u32(*end + 12)};
  }
  const uint64_t end64 = file.u64(*end - kLocator64Size + 8);
  file.part(end64, kEnd64Size);
  if (file.u32(end64) != kDirectoryEnd64) throw Error("its directory has no end", ErrorCode::kUnreadableFile);
  return {file.u64(end64 + 48), file.u64(end64 + 40)};
}

/// Of a header in the directory: what is too large for its fields is behind its name.
struct LargeFields {
  uint64_t size, header;
};

LargeFields large_fields(const Bytes& directory, size_t at) {
  LargeFields fields{directory.u32(at + 24), directory.u32(at + 42)};
  const uint32_t packed_size = directory.u32(at + 20);
  size_t extra = at + kDirectorySize + directory.u16(at + 28);
  const size_t end = extra + directory.u16(at + 30);
  while (extra + 4 <= end) {
    const uint16_t kind = directory.u16(extra), size = directory.u16(extra + 2);
    if (kind == kExtra64) {
      const Bytes numbers(directory.part(extra + 4, size));
      size_t next = 0;
      const auto take = [&] { return numbers.u64(std::exchange(next, next + 8)); };
      if (fields.size == kSee64) fields.size = take();
      if (packed_size == kSee64) take();
      if (fields.header == kSee64) fields.header = take();
      break;
    }
    extra += 4u + size;
  }
  return fields;
}

/// `name` ends at the first slash where the entries are in one folder.
std::string_view without_folder(std::string_view name, std::string_view folder) {
  return name.starts_with(folder) ? name.substr(folder.size()) : std::string_view();
}

ZipEntry read_entry(const Bytes& file, const Bytes& directory, size_t at, const std::string& name) {
  const auto [size, header] = large_fields(directory, at);
  if (file.u32(header) != kLocalHeader || file.text(header + kLocalSize, file.u16(header + 26)) != name) {
    throw Error("its entry " + name.substr(0, 80) + " isn't where its directory says", ErrorCode::kUnreadableFile);
  }
  const uint64_t begin = header + kLocalSize + file.u16(header + 26) + file.u16(header + 28);
  const bool is_encrypted = (directory.u16(at + 8) & kEncrypted) != 0;
  const bool is_stored = !is_encrypted && directory.u16(at + 10) == 0 && file.u16(header + 8) == 0;
  if (is_stored) file.part(begin, size);
  return {static_cast<size_t>(begin), static_cast<size_t>(size), directory.u32(at + 16), is_stored};
}

/// Tables for eight bytes at once.
constexpr auto crc_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
    tables[0][byte] = crc;
  }
  for (size_t i = 1; i < tables.size(); ++i) {
    for (size_t byte = 0; byte < 256; ++byte) {
      tables[i][byte] = (tables[i - 1][byte] >> 8) ^ tables[0][tables[i - 1][byte] & 0xFF];
    }
  }
  return tables;
}

}  // namespace

std::unordered_map<std::string, ZipEntry> read_zip_directory(std::span<const std::byte> content) {
  const Bytes file(content);
  const auto [begin, size] = find_directory(file);
  const Bytes directory(file.part(begin, size));
  std::unordered_map<std::string, ZipEntry> entries;
  std::string folder;
  for (size_t at = 0; at < directory.size();) {
    if (directory.u32(at) != kDirectoryHeader) throw Error("its directory is damaged", ErrorCode::kUnreadableFile);
    const uint16_t length = directory.u16(at + 28);
    const std::string name = directory.text(at + kDirectorySize, length);
    if (at == 0) folder = name.substr(0, name.find('/') + 1);
    const ZipEntry entry = read_entry(file, directory, at, name);
    const std::string_view known = without_folder(name, folder);
    if (!known.empty() && !entries.emplace(known, entry).second) {
      throw Error("it has two entries " + std::string(known.substr(0, 80)), ErrorCode::kUnreadableFile);
    }
    at += kDirectorySize + length + directory.u16(at + 30) + directory.u16(at + 32);
  }
  return entries;
}

uint32_t crc32(std::span<const std::byte> bytes) {
  static constexpr auto kTables = crc_tables();
  uint32_t crc = ~0u;
  size_t at = 0;
  const auto byte = [&](size_t i) { return std::to_integer<uint32_t>(bytes[at + i]); };
  for (; bytes.size() - at >= 8; at += 8) {
    crc ^= byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
    crc = kTables[7][crc & 0xFF] ^ kTables[6][crc >> 8 & 0xFF] ^ kTables[5][crc >> 16 & 0xFF] ^ kTables[4][crc >> 24] ^
          kTables[3][byte(4)] ^ kTables[2][byte(5)] ^ kTables[1][byte(6)] ^ kTables[0][byte(7)];
  }
  for (; at < bytes.size(); ++at) crc = kTables[0][(crc ^ byte(0)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

}  // namespace tracejet::pt2
