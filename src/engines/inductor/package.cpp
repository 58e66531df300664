#include "engines/inductor/package.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include <c10/core/DeviceGuard.h>
#include <c10/util/tempfile.h>

#include "base/error.h"

namespace tracejet::inductor {

namespace {

/// How many calls may run at once on a CPU; more of them wait.
size_t most_calls() { return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 16); }

/// The loader copies what it needs out of the file.
std::unique_ptr<torch::inductor::AOTIModelPackageLoader> loaded(const std::string& bytes, c10::Device device) {
  const c10::TempFile file = c10::make_tempfile("tracejet-");
  std::ofstream(file.name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  const bool is_cpu = device.is_cpu();
  return std::make_unique<torch::inductor::AOTIModelPackageLoader>(file.name, "model", /*run_single_threaded=*/!is_cpu,
                                                                   is_cpu ? most_calls() : 1, device.index());
}

}  // namespace

Package::Package(const std::string& bytes, c10::Device device, std::unordered_map<std::string, at::Tensor> constants)
    : device_(device), constants_(std::move(constants)) {
  try {
    loader_ = loaded(bytes, device_);
    give_constants();
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    throw Error("PyTorch can't load what AOTInductor compiled: " + said_by(error), ErrorCode::kEngineFailure);
  }
}

void Package::give_constants() {
  torch::inductor::AOTIModelContainerRunner& runner = *loader_->get_runner();
  torch::inductor::TensorConstantMap given;
  for (const auto& [name, original] : runner.getConstantNamesToOriginalFQNs()) {
    const auto constant = constants_.find(original);
    if (constant == constants_.end()) {
      throw Error("AOTInductor's code reads a constant that nobody has: " + original, ErrorCode::kEngineFailure);
    }
    given.emplace(name, &constant->second);
  }
  if (given.empty()) return;
  runner.update_constant_buffer(given, /*use_inactive=*/false, /*validate_full_updates=*/true, /*user_managed=*/true);
}

std::vector<at::Tensor> Package::run(std::vector<at::Tensor>&& inputs) const {
  const c10::OptionalDeviceGuard guard(device_);
  std::unique_lock lock(mutex_, std::defer_lock);
  if (!device_.is_cpu()) lock.lock();
  try {
    return loader_->boxed_run(std::move(inputs));
  } catch (const c10::OutOfMemoryError&) {
    throw;
  } catch (const std::exception& error) {
    throw Error("inductor failed while running the program: " + said_by(error), ErrorCode::kEngineFailure);
  }
}

}  // namespace tracejet::inductor
