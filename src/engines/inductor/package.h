#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

namespace tracejet::inductor {

/// Code that AOTInductor compiled, loaded into the process, with the constants that it reads. Safe to call from several
/// threads at once.
class Package {
 public:
  /// `bytes`: of the file that torch's loader reads, without constants. `constants`: by the code's own names; they stay
  /// where they are. Throws Error where the code isn't for this machine, or wants other constants.
  Package(const std::string& bytes, c10::Device device, std::unordered_map<std::string, at::Tensor> constants);

  /// On PyTorch's current stream of the device, where it has any.
  std::vector<at::Tensor> run(std::vector<at::Tensor>&& inputs) const;

 private:
  void give_constants();

  c10::Device device_;
  std::unordered_map<std::string, at::Tensor> constants_;  // the code keeps their addresses
  std::unique_ptr<torch::inductor::AOTIModelPackageLoader> loader_;
  mutable std::mutex mutex_;  // of a GPU: one call at a time is handed to it
};

}  // namespace tracejet::inductor
