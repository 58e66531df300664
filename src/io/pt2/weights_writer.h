#pragma once

#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "io/pt2/json.h"

namespace tracejet::pt2 {

/// Tensors by name, as the archive keeps them: each memory once, however many tensors lie in it.
class WeightsWriter {
 public:
  /// `prefix`: what the entries are called, before their number.
  explicit WeightsWriter(std::string prefix) : prefix_(std::move(prefix)), config_(Json::object()) {}

  /// Throws UnsupportedOperator for tensors whose memory isn't all that there is to them.
  void add(const std::string& name, const at::Tensor& tensor, bool is_parameter);
  /// Gives the finished entries: the bytes of each, to be read as they lie there, and what describes them all.
  struct Entries {
    std::vector<std::pair<std::string, at::Tensor>> bytes;  ///< contiguous, on the CPU
    Json config;
  };
  Entries take();

 private:
  struct Named {
    std::string name;
    at::Tensor tensor;
    bool is_parameter;
    size_t memory;
  };
  /// What is used of one storage, as elements of one dtype.
  struct Memory {
    at::Tensor any;  ///< one of the tensors in it
    int64_t begin, end;
  };

  std::string prefix_;
  std::vector<Named> tensors_;
  std::vector<Memory> memories_;
  std::map<std::pair<const void*, at::ScalarType>, size_t> by_storage_;
  Json config_;
};

}  // namespace tracejet::pt2
