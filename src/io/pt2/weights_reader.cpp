#include "io/pt2/weights_reader.h"

#include <algorithm>

#include <ATen/ops/empty.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "io/pt2/file_symbols.h"
#include "io/pt2/schema.h"

namespace tracejet::pt2 {

namespace {

std::vector<int64_t> integers(const Field& list) {
  std::vector<int64_t> values;
  list.for_each([&](const Field& item) {
    values.push_back(item["as_int"].integer());
    if (values.back() < 0) item.fail("expected no negative number");
  });
  return values;
}

/// The first byte behind a tensor; more than any file has where that can't be counted.
size_t end_of(const std::vector<int64_t>& sizes, const std::vector<int64_t>& strides, int64_t offset, size_t itemsize) {
  constexpr __int128 kTooMuch = std::numeric_limits<int64_t>::max();
  __int128 last = offset;
  for (size_t axis = 0; axis < sizes.size(); ++axis) {
    if (sizes[axis] == 0) return 0;
    last += static_cast<__int128>(sizes[axis] - 1) * strides[axis];
    if (last > kTooMuch) return std::numeric_limits<size_t>::max();
  }
  const __int128 bytes = (last + 1) * static_cast<__int128>(itemsize);
  return bytes > kTooMuch ? std::numeric_limits<size_t>::max() : static_cast<size_t>(bytes);
}

at::Tensor moved(const at::Tensor& tensor, c10::Device device) {
  const bool is_there = c10::impl::hasDeviceGuardImpl(device.type()) &&
                        std::max<int>(device.index(), 0) < c10::impl::getDeviceGuardImpl(device.type())->deviceCount();
  if (is_there) return tensor.to(device);
  throw Error("its weights are on " + device.str() + ", which this PyTorch doesn't have here; load it where there is " +
                  "one, or save it anew with its weights on the CPU",
              ErrorCode::kUnreadableFile);
}

class WeightsReader {
 public:
  WeightsReader(const ArchiveReader& archive, const std::string& folder, bool is_checked)
      : archive_(archive), folder_(folder), is_checked_(is_checked) {}

  at::Tensor read(const Field& payload) {
    if (payload["use_pickle"].boolean()) {
      throw UnsupportedOperator("the tensor " + payload["path_name"].string().substr(0, 80) +
                                    " is pickled, and nothing is unpickled here; torch.export.load reads it",
                                ErrorCode::kFileContent);
    }
    const Field meta = payload["tensor_meta"];
    const auto sizes = integers(meta["sizes"]), strides = integers(meta["strides"]);
    if (sizes.size() != strides.size() || sizes.size() > 64) meta.fail("expected as many strides as sizes");
    const int64_t offset = meta["storage_offset"]["as_int"].integer();
    if (offset < 0) meta["storage_offset"].fail("expected no negative number");
    if (meta["layout"].integer() != number_of(at::kStrided)) meta["layout"].fail("expected a dense tensor");
    const at::ScalarType dtype = meta["dtype"].located([&] { return dtype_of(meta["dtype"].integer()); });
    const c10::Storage& storage = memory(payload["path_name"].string());
    if (end_of(sizes, strides, offset, c10::elementSize(dtype)) > storage.nbytes()) {
      meta.fail("the tensor is larger than its entry " + payload["path_name"].string().substr(0, 80) + ", which has " +
                std::to_string(storage.nbytes()) + " bytes");
    }
    at::Tensor tensor = at::empty({0}, at::TensorOptions(dtype));
    tensor.set_(storage, offset, sizes, strides);
    if (reinterpret_cast<uintptr_t>(storage.data()) % c10::elementSize(dtype) != 0) tensor = tensor.clone();
    const c10::Device device = read_device(meta["device"]);
    if (!device.is_cpu()) tensor = moved(tensor, device);
    if (meta["requires_grad"].boolean()) {
      if (!at::isFloatingType(dtype) && !at::isComplexType(dtype)) meta.fail("integers have no gradients");
      tensor.set_requires_grad(true);
    }
    return tensor;
  }

 private:
  const c10::Storage& memory(const std::string& name) {
    const auto known = memories_.find(name);
    if (known != memories_.end()) return known->second;
    return memories_.emplace(name, archive_.storage(folder_ + name, is_checked_)).first->second;
  }

  const ArchiveReader& archive_;
  const std::string& folder_;
  bool is_checked_;
  std::unordered_map<std::string, c10::Storage> memories_;
};

}  // namespace

std::unordered_map<std::string, at::Tensor> read_weights(const ArchiveReader& archive, const Field& config,
                                                         const std::string& folder, bool is_checked) {
  WeightsReader reader(archive, folder, is_checked);
  std::unordered_map<std::string, at::Tensor> tensors;
  config["config"].for_each_member(
      [&](const std::string& name, const Field& payload) { tensors.emplace(name, reader.read(payload)); });
  return tensors;
}

}  // namespace tracejet::pt2
