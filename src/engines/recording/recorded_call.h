#pragma once

#include <functional>
#include <memory>
#include <variant>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include "engines/recording/recorder.h"

namespace tracejet::recording {

/// A program, as it computes.
using Work = std::function<std::vector<c10::IValue>(std::vector<at::Tensor>)>;

/// One call of a program that was recorded, with the memory that it reads and writes. Calls of it go through that
/// memory one after the other; what they give lies elsewhere, and is the caller's.
class RecordedCall {
 public:
  /// Only the layout of `inputs` counts, not what is in them. Those that aren't copied are read where they lie, in each
  /// call: so `lasting`, weights and these inputs, may be given as they are.
  RecordedCall(Recorder& recorder, const std::vector<at::Tensor>& inputs, const std::vector<bool>& is_copied,
               const std::vector<at::Tensor>& lasting, bool is_random, const Work& work);

  /// On the current stream. `inputs` are laid out as those that it was recorded with.
  std::vector<c10::IValue> replay(const std::vector<at::Tensor>& inputs) const;

 private:
  /// A tensor in the memory of another one.
  struct View {
    std::vector<int64_t> sizes;
    std::vector<int64_t> strides;
    int64_t offset;
  };
  struct Constant {
    c10::IValue value;
  };
  struct OfInput {
    size_t input;
    View view;
  };
  struct OfMemory {
    size_t memory;
    View view;
  };
  using Result = std::variant<Constant, OfInput, OfMemory>;

  Result result_of(const c10::IValue& value, const std::vector<at::Tensor>& inputs, const std::vector<bool>& is_copied,
                   const std::vector<at::Tensor>& lasting);
  /// The place in `memory_` of what a tensor lies in.
  size_t memory_of(const at::Tensor& tensor);

  std::vector<c10::Storage> kept_;  ///< memory that lasts, whatever becomes of the tensors in it
  std::vector<at::Tensor> inputs_;  ///< what the recording reads
  std::vector<size_t> copied_;      ///< which of them are copies
  std::vector<at::Tensor> memory_;  ///< what the recording writes its results to, flat
  std::vector<Result> results_;
  std::unique_ptr<Recording> recording_;  // goes first: it uses the memory above
};

}  // namespace tracejet::recording
