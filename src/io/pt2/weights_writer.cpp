#include "io/pt2/weights_writer.h"

#include <algorithm>

#include <ATen/ops/empty.h>

#include "base/error.h"
#include "io/pt2/schema.h"
#include "io/pt2/symbol_table.h"

namespace tracejet::pt2 {

namespace {

void check(const std::string& name, const at::Tensor& tensor) {
  const bool is_plain = tensor.layout() == at::kStrided && !tensor.is_quantized() && !tensor.is_nested() &&
                        !tensor.key_set().has(c10::DispatchKey::Python);
  if (!is_plain) {
    throw UnsupportedOperator(name + ": a .pt2 file holds plain, dense tensors only; this one is " + tensor.toString(),
                              ErrorCode::kFileContent);
  }
  if (tensor.is_meta())
    throw UnsupportedOperator(name + ": the tensor has no data to be saved", ErrorCode::kFileContent);
}

/// One more than the place of its last element, counted from the start of the storage.
int64_t end_of_tensor(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return tensor.storage_offset();
  int64_t last = tensor.storage_offset();
  for (int64_t axis = 0; axis < tensor.dim(); ++axis) last += (tensor.size(axis) - 1) * tensor.stride(axis);
  return last + 1;
}

Json list_of_integers(at::IntArrayRef values) {
  Json list = Json::array();
  for (const int64_t value : values) list.push_back(one("as_int", value));
  return list;
}

Json description(const at::Tensor& tensor, int64_t offset) {
  Json meta = one("dtype", number_of(tensor.scalar_type()));
  append(meta, "sizes", list_of_integers(tensor.sizes()));
  append(meta, "requires_grad", tensor.requires_grad());
  append(meta, "device", device_json(tensor.device()));
  append(meta, "strides", list_of_integers(tensor.strides()));
  append(meta, "storage_offset", one("as_int", offset));
  append(meta, "layout", number_of(tensor.layout()));
  return meta;
}

}  // namespace

void WeightsWriter::add(const std::string& name, const at::Tensor& given, bool is_parameter) {
  check(name, given);
  const at::Tensor tensor = given.is_conj() || given.is_neg() ? given.detach().resolve_conj().resolve_neg() : given;
  const auto key = std::pair(static_cast<const void*>(tensor.storage().unsafeGetStorageImpl()), tensor.scalar_type());
  const auto [found, is_new] = by_storage_.emplace(key, memories_.size());
  const int64_t begin = tensor.storage_offset(), end = end_of_tensor(tensor);
  if (is_new) memories_.push_back({tensor, begin, end});
  Memory& memory = memories_[found->second];
  if (tensor.numel() > 0) {
    if (memory.begin == memory.end) memory = {tensor, begin, end};
    memory.begin = std::min(memory.begin, begin);
    memory.end = std::max(memory.end, end);
  }
  tensors_.push_back({name, tensor, is_parameter, found->second});
}

WeightsWriter::Entries WeightsWriter::take() {
  Entries entries;
  for (size_t i = 0; i < memories_.size(); ++i) {
    const Memory& memory = memories_[i];
    at::Tensor bytes = at::empty({0}, memory.any.options().requires_grad(false));
    bytes.set_(memory.any.storage(), memory.begin, {memory.end - memory.begin}, {1});
    entries.bytes.emplace_back(prefix_ + std::to_string(i), bytes.cpu());
  }
  Json config = Json::object();
  for (const auto& [name, tensor, is_parameter, memory] : tensors_) {
    Json payload = one("path_name", prefix_ + std::to_string(memory));
    append(payload, "is_param", is_parameter);
    append(payload, "use_pickle", false);
    const int64_t offset = tensor.numel() == 0 ? 0 : tensor.storage_offset() - memories_[memory].begin;
    append(payload, "tensor_meta", description(tensor, offset));
    append(config, name, std::move(payload));
  }
  entries.config = one("config", std::move(config));
  return entries;
}

}  // namespace tracejet::pt2
