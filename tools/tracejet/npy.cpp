// The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
//   "\x93NUMPY", two bytes of version, the length of the header (2 bytes in version 1, else 4, little-endian),
//   the header: "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }", then the elements.
#include "npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>

#include <ATen/ops/empty.h>

#include <tracejet/error.h>

namespace tracejet::command_line {

namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view kMagic("\x93NUMPY", 6);

struct NpyDtype {
  std::string_view name;
  at::ScalarType dtype;
};

constexpr NpyDtype kNpyDtypes[] = {
    {"b1", at::kBool},         {"i1", at::kChar},           {"i2", at::kShort},  {"i4", at::kInt},
    {"i8", at::kLong},         {"u1", at::kByte},           {"u2", at::kUInt16}, {"u4", at::kUInt32},
    {"u8", at::kUInt64},       {"f2", at::kHalf},           {"f4", at::kFloat},  {"f8", at::kDouble},
    {"c8", at::kComplexFloat}, {"c16", at::kComplexDouble},
};

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), file_(path, std::ios::binary) {
    if (!file_) fail("it can't be opened");
  }

  at::Tensor read() {
    if (take(kMagic.size()) != kMagic) fail("it is no .npy file");
    const std::string version = take(2);
    if (version[0] < 1 || version[0] > 3) fail("its format is of version " + std::to_string(version[0]));
    uint32_t length = 0;
    const std::string size = take(version[0] == 1 ? 2 : 4);
    for (size_t i = 0; i < size.size(); ++i) length |= uint32_t{static_cast<uint8_t>(size[i])} << (8 * i);
    if (length > kLongest) fail("its header is too long");
    const std::string header = take(length);
    const at::ScalarType dtype = dtype_of(field(header, "'descr'", "'", "'"));
    std::vector<int64_t> shape = shape_of(field(header, "'shape'", "(", ")"));
    const std::string order = field(header, "'fortran_order'", "", ",");
    if (order != "True" && order != "False") fail("its header isn't understood");
    const bool is_fortran = order == "True";
    if (is_fortran) std::ranges::reverse(shape);
    check_length(shape, static_cast<int64_t>(c10::elementSize(dtype)));
    at::Tensor tensor = at::empty(shape, dtype);
    file_.read(static_cast<char*>(tensor.mutable_data_ptr()), static_cast<std::streamsize>(tensor.nbytes()));
    if (!file_) fail("it ends before its elements do");
    if (dtype == at::kBool) tensor = tensor.view(at::kByte).ne(0);  // a bool of C++ has no third value
    if (!is_fortran) return tensor;
    std::vector<int64_t> axes(shape.size());
    for (size_t i = 0; i < axes.size(); ++i) axes[i] = static_cast<int64_t>(axes.size() - 1 - i);
    return tensor.permute(axes).contiguous();
  }

 private:
  static constexpr uint32_t kLongest = 1 << 20;
  static constexpr size_t kMostAxes = 64;  // as NumPy

  [[noreturn]] void fail(const std::string& problem) const { throw Error("can't read " + path_ + ": " + problem); }

  std::string take(size_t count) {
    std::string bytes(count, '\0');
    file_.read(bytes.data(), static_cast<std::streamsize>(count));
    if (!file_) fail("it ends in its header");
    return bytes;
  }

  /// What stands behind `'key':` between `begin` and `end`. By hand: std::regex takes a stack as deep as a text is
  /// long.
  std::string field(std::string_view header, std::string_view key, std::string_view begin, std::string_view end) const {
    const auto skip = [&](std::string_view expected) {
      header.remove_prefix(std::min(header.find_first_not_of(" \t\n"), header.size()));
      if (!header.starts_with(expected)) fail("its header isn't understood");
      header.remove_prefix(expected.size());
    };
    header.remove_prefix(std::min(header.find(key), header.size()));
    skip(key);
    skip(":");
    skip(begin);
    const size_t length = header.find(end);
    if (length == std::string_view::npos) fail("its header isn't understood");
    return std::string(header.substr(0, length));
  }

  at::ScalarType dtype_of(const std::string& descr) const {
    const bool is_native = descr.starts_with('<') || descr.starts_with('|') || descr.starts_with('=');
    const auto found = std::ranges::find(kNpyDtypes, descr.substr(std::min<size_t>(descr.size(), 1)), &NpyDtype::name);
    if (!is_native || found == std::end(kNpyDtypes))
      fail("its elements are of the type '" + descr.substr(0, 40) + "', which isn't known here");
    return found->dtype;
  }

  std::vector<int64_t> shape_of(const std::string& text) const {
    std::vector<int64_t> shape;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) {
      std::erase_if(part, [](char c) { return c == ' ' || c == 'L'; });
      if (part.empty()) continue;  // behind the last comma
      int64_t size = 0;
      const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), size);
      const bool is_size = error == std::errc() && end == part.data() + part.size() && size >= 0;
      if (!is_size || shape.size() == kMostAxes) fail("its shape isn't understood");
      shape.push_back(size);
    }
    return shape;
  }

  /// Before memory is taken for them: whether the file has as many elements as it says.
  void check_length(const std::vector<int64_t>& shape, int64_t bytes) {
    const bool is_empty = std::ranges::find(shape, 0) != shape.end();
    for (const int64_t size : shape) {  // of an empty one, strides are counted so
      if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes)) fail("its shape is too large");
    }
    const auto begin = file_.tellg();
    file_.seekg(0, std::ios::end);
    const int64_t left = file_.tellg() - begin;
    file_.seekg(begin);
    if (left < (is_empty ? 0 : bytes)) fail("it ends before its elements do");
  }

  std::string path_;
  std::ifstream file_;
};

}  // namespace

at::Tensor read_npy(const std::string& path) { return Reader(path).read(); }

void write_npy(const at::Tensor& tensor, const std::string& path) {
  const auto known = std::ranges::find(kNpyDtypes, tensor.scalar_type(), &NpyDtype::dtype);
  if (known == std::end(kNpyDtypes)) {
    throw Error("NumPy has no " + std::string(c10::toString(tensor.scalar_type())) + ": write a .pt file");
  }
  std::string header = std::string("{'descr': '") + (c10::elementSize(known->dtype) == 1 ? "|" : "<") +
                       std::string(known->name) + "', 'fortran_order': False, 'shape': (";
  for (const int64_t size : tensor.sizes()) header += std::to_string(size) + ", ";
  header += "), }";
  // The elements begin at a multiple of 64 bytes, and a line ends before them.
  header.append(63 - (kMagic.size() + 4 + header.size()) % 64, ' ');
  header += '\n';
  const at::Tensor elements = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous();
  std::ofstream file(path, std::ios::binary);
  file << kMagic << '\x01' << '\x00' << static_cast<char>(header.size() & 0xff) << static_cast<char>(header.size() >> 8)
       << header;
  file.write(static_cast<const char*>(elements.const_data_ptr()), static_cast<std::streamsize>(elements.nbytes()));
  file.flush();
  if (!file) throw Error("can't write " + path);
}

}  // namespace tracejet::command_line
