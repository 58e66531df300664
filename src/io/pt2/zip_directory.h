#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tracejet::pt2 {

/// Where the content of an entry lies in a zip.
struct ZipEntry {
  size_t begin, size;
  uint32_t checksum;
  bool is_stored;  ///< neither compressed nor encrypted
};

/// The entries of a zip, by their names without the folder that all are in. PyTorch's own reader isn't asked: it
/// unpacks some entries on its own, however large they say they are.
///
/// Throws Error where the bytes are no zip, and where its directory says what can't be.
std::unordered_map<std::string, ZipEntry> read_zip_directory(std::span<const std::byte> file);

/// A zip's checksum.
uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace tracejet::pt2
