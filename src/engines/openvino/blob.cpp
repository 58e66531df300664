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

  std::string packed() const {
    const uint64_t count = pieces_.size();
    std::string packed(reinterpret_cast<const char*>(&count), sizeof count);
    packed.append(reinterpret_cast<const char*>(pieces_.data()), pieces_.size() * sizeof(Piece));
    return packed + literals_;
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

[[noreturn]] void refuse() { throw StaleEngine("openvino didn't keep this for a program with such weights"); }

std::vector<Piece> read_pieces(std::string_view& packed) {
  uint64_t count = 0;
  if (packed.size() < sizeof count) refuse();
  std::memcpy(&count, packed.data(), sizeof count);
  packed.remove_prefix(sizeof count);
  if (count > packed.size() / sizeof(Piece)) refuse();
  std::vector<Piece> pieces(count);
  std::memcpy(pieces.data(), packed.data(), count * sizeof(Piece));
  packed.remove_prefix(count * sizeof(Piece));
  return pieces;
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

std::string export_model(const ov::CompiledModel& compiled, const std::vector<onnx::NamedTensor>& weights) {
  PackingBuffer buffer(weights);
  std::ostream stream(&buffer);
  stream.exceptions(std::ios_base::badbit | std::ios_base::failbit);
  const_cast<ov::CompiledModel&>(compiled).export_model(stream);  // a handle, whose model it leaves as it is
  return buffer.packed();
}

ov::Tensor unpacked(std::string_view packed, const std::vector<onnx::NamedTensor>& weights) {
  const std::vector<Piece> pieces = read_pieces(packed);
  const size_t size = checked_size(pieces, packed.size(), weights);
  ov::Tensor model(ov::element::u8, ov::Shape{size}, ov::Allocator(LargePages{}));
  auto* to = static_cast<std::byte*>(model.data());
  for (const auto& [weight, bytes] : pieces) {
    if (weight == kLiteral) {
      std::memcpy(to, packed.data(), bytes);
      packed.remove_prefix(bytes);
    } else if (bytes > 0) {
      const at::Tensor data = weights[static_cast<size_t>(weight)].data.contiguous();
      std::memcpy(to, data.const_data_ptr(), bytes);
    }
    to += bytes;
  }
  return model;
}

}  // namespace tracejet::openvino
