#include "engines/openvino/blob.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <ostream>
#include <streambuf>
#include <sys/mman.h>
#include <unordered_map>

#include <openvino/runtime/allocator.hpp>

#include "engines/engine.h"

namespace tracejet::openvino {

namespace {

constexpr int64_t kLiteral = -1;
constexpr size_t kAlignment = 64;  // OpenVINO copies constants that lie worse

size_t aligned(size_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

/// A piece of an exported model: bytes that follow in the packed form, or all of a weight.
struct Piece {
  int64_t weight;  ///< kLiteral, or which
  uint64_t size;
};

/// Takes what is written and finds the weights in it. OpenVINO writes each constant at once, and goes back to complete
/// what it wrote first.
class PackingBuffer final : public std::streambuf {
 public:
  explicit PackingBuffer(const std::vector<onnx::NamedTensor>& weights) {
    for (const onnx::NamedTensor& weight : weights) {
      by_size_.emplace(weight.data.nbytes(), weights_.size());
      weights_.push_back(weight.data.contiguous());
    }
  }

  /// Behind what it is of.
  std::string packed(const std::string& identity) const {
    const bool is_whole = literals_.size() > size_ / 2;
    const std::vector<Piece> pieces = is_whole ? std::vector<Piece>{{kLiteral, size_}} : pieces_;
    const uint64_t count = pieces.size();
    std::string packed = identity;
    packed.reserve(identity.size() + sizeof count + count * sizeof(Piece) + kAlignment +
                   (is_whole ? size_ : literals_.size()));
    packed.append(reinterpret_cast<const char*>(&count), sizeof count);
    packed.append(reinterpret_cast<const char*>(pieces.data()), count * sizeof(Piece));
    packed.resize(aligned(packed.size()));
    if (is_whole) {
      append_whole(packed);
    } else {
      packed += literals_;
    }
    return packed;
  }

 protected:
  std::streamsize xsputn(const char* data, std::streamsize count) override {
    const auto size = static_cast<size_t>(count);
    if (position_ < size_) return overwrite(data, size) ? count : 0;
    const int64_t weight = find(data, size);
    if (weight != kLiteral) {
      pieces_.push_back({weight, size});
    } else {
      if (pieces_.empty() || pieces_.back().weight != kLiteral) pieces_.push_back({kLiteral, 0});
      pieces_.back().size += size;
      literals_.append(data, size);
    }
    position_ = size_ += size;
    return count;
  }

  int overflow(int character) override {
    const char byte = static_cast<char>(character);
    return xsputn(&byte, 1) == 1 ? character : traits_type::eof();
  }

  pos_type seekoff(off_type offset, std::ios_base::seekdir from, std::ios_base::openmode) override {
    const auto base = from == std::ios_base::beg ? 0 : from == std::ios_base::cur ? position_ : size_;
    return seekpos(static_cast<off_type>(base) + offset, std::ios_base::out);
  }

  pos_type seekpos(pos_type place, std::ios_base::openmode) override {
    if (place < 0 || static_cast<size_t>(place) > size_) return pos_type(off_type(-1));
    position_ = static_cast<size_t>(place);
    return place;
  }

 private:
  void append_whole(std::string& bytes) const {
    size_t literal = 0;
    for (const auto& [weight, size] : pieces_) {
      if (weight == kLiteral) {
        bytes.append(literals_, literal, size);
        literal += size;
      } else {
        bytes.append(static_cast<const char*>(weights_[static_cast<size_t>(weight)].const_data_ptr()), size);
      }
    }
  }

  int64_t find(const char* data, size_t size) const {
    const auto [begin, end] = by_size_.equal_range(size);
    for (auto each = begin; each != end; ++each) {
      if (std::memcmp(weights_[each->second].const_data_ptr(), data, size) == 0) {
        return static_cast<int64_t>(each->second);
      }
    }
    return kLiteral;
  }

  /// Only what lies in one literal piece.
  bool overwrite(const char* data, size_t size) {
    size_t begin = 0, literal = 0;
    for (const Piece& piece : pieces_) {
      const size_t end = begin + piece.size;
      if (position_ < end) {
        if (piece.weight != kLiteral || position_ + size > end) return false;
        literals_.replace(literal + position_ - begin, size, data, size);
        position_ += size;
        return true;
      }
      if (piece.weight == kLiteral) literal += piece.size;
      begin = end;
    }
    return false;
  }

  std::vector<at::Tensor> weights_;
  std::unordered_multimap<size_t, size_t> by_size_;
  std::vector<Piece> pieces_;
  std::string literals_;
  size_t size_ = 0, position_ = 0;
};

/// Memory in large pages where the system has them: a model of some hundred MiB is filled in half the time.
struct LargePages {
  static constexpr size_t kPage = size_t{1} << 21;

  void* allocate(size_t bytes, size_t) const {
    const size_t size = std::max((bytes + kPage - 1) / kPage, size_t{1}) * kPage;
    void* memory = std::aligned_alloc(kPage, size);
    if (memory == nullptr) throw std::bad_alloc();
    madvise(memory, size, MADV_HUGEPAGE);
    return memory;
  }
  void deallocate(void* memory, size_t, size_t) const noexcept { std::free(memory); }
  bool is_equal(const LargePages&) const { return true; }
};

/// Memory that is there already, and stays for as long as OpenVINO has a tensor over it.
struct SharedMemory {
  SharedBytes bytes;

  void* allocate(size_t, size_t) const { return const_cast<char*>(bytes.view().data()); }
  void deallocate(void*, size_t, size_t) const noexcept {}
  bool is_equal(const SharedMemory& other) const { return bytes.view().data() == other.bytes.view().data(); }
};

[[noreturn]] void refuse() { throw StaleEngine("openvino didn't keep this for a program with such weights"); }

/// The pieces, and where the literal ones begin.
std::pair<std::vector<Piece>, size_t> read_pieces(std::string_view packed, const std::string& identity) {
  uint64_t count = 0;
  if (!packed.starts_with(identity)) throw StaleEngine("openvino kept this of another program");
  const size_t begin = identity.size() + sizeof count;
  if (packed.size() < begin) refuse();
  std::memcpy(&count, packed.data() + identity.size(), sizeof count);
  if (count > (packed.size() - begin) / sizeof(Piece)) refuse();
  const size_t end = aligned(begin + count * sizeof(Piece));
  if (packed.size() < end) refuse();
  std::vector<Piece> pieces(count);
  std::memcpy(pieces.data(), packed.data() + begin, count * sizeof(Piece));
  return {std::move(pieces), end};
}

/// How many bytes a model has whose pieces are all there.
size_t checked_size(const std::vector<Piece>& pieces, size_t literals, const std::vector<onnx::NamedTensor>& weights) {
  size_t size = 0;
  for (const auto& [weight, bytes] : pieces) {
    if (weight == kLiteral) {
      if (bytes > literals) refuse();
      literals -= bytes;
    } else if (weight < 0 || static_cast<size_t>(weight) >= weights.size() ||
               weights[static_cast<size_t>(weight)].data.nbytes() != bytes) {
      refuse();
    }
    size += bytes;
  }
  if (literals != 0) refuse();
  return size;
}

}  // namespace

std::string export_model(const ov::CompiledModel& compiled, const std::string& identity,
                         const std::vector<onnx::NamedTensor>& weights) {
  PackingBuffer buffer(weights);
  std::ostream stream(&buffer);
  stream.exceptions(std::ios_base::badbit | std::ios_base::failbit);
  const_cast<ov::CompiledModel&>(compiled).export_model(stream);  // a handle, whose model it leaves as it is
  return buffer.packed(identity);
}

ov::Tensor unpacked(const SharedBytes& packed, const std::string& identity,
                    const std::vector<onnx::NamedTensor>& weights) {
  const auto [pieces, begin] = read_pieces(packed.view(), identity);
  const SharedBytes literals = packed.from(begin);
  const size_t size = checked_size(pieces, literals.size(), weights);
  if (size == literals.size()) return {ov::element::u8, ov::Shape{size}, ov::Allocator(SharedMemory{literals})};
  const char* literal = literals.view().data();
  ov::Tensor model(ov::element::u8, ov::Shape{size}, ov::Allocator(LargePages{}));
  auto* to = static_cast<std::byte*>(model.data());
  for (const auto& [weight, bytes] : pieces) {
    if (weight == kLiteral) {
      std::memcpy(to, literal, bytes);
      literal += bytes;
    } else if (bytes > 0) {
      const at::Tensor data = weights[static_cast<size_t>(weight)].data.contiguous();
      std::memcpy(to, data.const_data_ptr(), bytes);
    }
    to += bytes;
  }
  return model;
}

}  // namespace tracejet::openvino
