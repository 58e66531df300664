#include "engines/recording/recorded_call.h"

#include <algorithm>

#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/as_strided.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/empty_strided.h>

namespace tracejet::recording {

namespace {

/// Memory of the same layout. Where elements share a place, or leave places out, of the layout without such.
at::Tensor place_for(const at::Tensor& input) {
  if (input.is_non_overlapping_and_dense()) return at::empty_strided(input.sizes(), input.strides(), input.options());
  return at::empty(input.sizes(), input.options());
}

/// In one call of a kernel where it can be.
void copy_all(const std::vector<at::Tensor>& targets, const std::vector<at::Tensor>& sources) {
  if (targets.size() == 1) {
    targets.front().copy_(sources.front(), /*non_blocking=*/true);
  } else if (!targets.empty()) {
    at::_foreach_copy_(targets, sources, /*non_blocking=*/true);
  }
}

bool has_memory(const at::Tensor& tensor) { return tensor.numel() > 0; }

/// Elements as they lie in memory, where a tensor may say that they are to be read otherwise.
c10::IValue as_it_lies(c10::IValue value) {
  if (!value.isTensor() || !value.toTensor().defined()) return value;
  const at::Tensor& tensor = value.toTensor();
  TORCH_CHECK(tensor.layout() == c10::kStrided && !tensor._is_zerotensor(), "a result has no memory");
  return tensor.resolve_conj().resolve_neg();
}

}  // namespace

RecordedCall::RecordedCall(Recorder& recorder, const std::vector<at::Tensor>& inputs,
                           const std::vector<bool>& is_copied, const std::vector<at::Tensor>& lasting, bool is_random,
                           const Work& work) {
  for (const at::Tensor& tensor : lasting) {
    if (tensor.has_storage()) kept_.push_back(tensor.storage());
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    inputs_.push_back(is_copied[i] ? place_for(inputs[i]) : inputs[i]);
    if (is_copied[i] && has_memory(inputs[i])) copied_.push_back(i);
  }
  const auto values = std::make_shared<std::vector<c10::IValue>>();
  const auto run = [values, work, inputs = inputs_] {
    *values = work(inputs);
    std::vector<at::Tensor> tensors;
    for (c10::IValue& value : *values) {
      value = as_it_lies(std::move(value));
      if (value.isTensor()) tensors.push_back(value.toTensor());
    }
    return tensors;
  };
  recording_ = recorder.record(run, is_random);
  for (const c10::IValue& value : *values) results_.push_back(result_of(value, inputs, is_copied, lasting));
}

RecordedCall::Result RecordedCall::result_of(const c10::IValue& value, const std::vector<at::Tensor>& inputs,
                                             const std::vector<bool>& is_copied,
                                             const std::vector<at::Tensor>& lasting) {
  if (!value.isTensor() || !value.toTensor().defined()) return Constant{value};
  const at::Tensor& tensor = value.toTensor();
  const auto shares_memory = [&](const at::Tensor& other) { return other.defined() && other.is_alias_of(tensor); };
  const View view{tensor.sizes().vec(), tensor.strides().vec(), tensor.storage_offset()};
  for (size_t i = 0; i < inputs_.size(); ++i) {
    if (!shares_memory(inputs_[i])) continue;
    if (!is_copied[i]) return Constant{value};
    if (inputs_[i].strides() == inputs[i].strides()) return OfInput{i, view};
    const bool is_all_of_it =
        view.offset == 0 && tensor.sizes() == inputs_[i].sizes() && tensor.strides() == inputs_[i].strides();
    if (is_all_of_it) return OfInput{i, {inputs[i].sizes().vec(), inputs[i].strides().vec(), 0}};
  }
  if (std::ranges::any_of(lasting, shares_memory)) return Constant{value};
  return OfMemory{memory_of(tensor), view};
}

size_t RecordedCall::memory_of(const at::Tensor& tensor) {
  for (size_t i = 0; i < memory_.size(); ++i) {
    if (memory_[i].is_alias_of(tensor) && memory_[i].scalar_type() == tensor.scalar_type()) return i;
  }
  const auto elements = static_cast<int64_t>(tensor.storage().nbytes() / tensor.element_size());
  memory_.push_back(at::empty({0}, tensor.options()).set_(tensor.storage(), 0, {elements}, {1}));
  return memory_.size() - 1;
}

std::vector<c10::IValue> RecordedCall::replay(const std::vector<at::Tensor>& inputs) const {
  // What may fail for want of memory comes before anything is called.
  std::vector<at::Tensor> results, result_copies, result_places;
  for (const at::Tensor& memory : memory_) {
    results.push_back(at::empty_like(memory));
    if (!has_memory(memory)) continue;
    result_copies.push_back(results.back());
    result_places.push_back(memory);
  }
  std::vector<at::Tensor> given, places;
  for (const size_t input : copied_) {
    given.push_back(inputs[input]);
    places.push_back(inputs_[input]);
  }
  copy_all(places, given);
  recording_->replay();
  copy_all(result_copies, result_places);

  const auto viewed = [](const at::Tensor& tensor, const View& view, int64_t start) {
    if (tensor.storage_offset() == start + view.offset && tensor.sizes() == view.sizes &&
        tensor.strides() == view.strides)
      return tensor;
    return at::as_strided(tensor, view.sizes, view.strides, start + view.offset);
  };
  std::vector<c10::IValue> values;
  for (const Result& result : results_) {
    if (const auto* constant = std::get_if<Constant>(&result)) {
      values.push_back(constant->value);
    } else if (const auto* of_input = std::get_if<OfInput>(&result)) {
      const at::Tensor& input = inputs[of_input->input];
      values.emplace_back(viewed(input, of_input->view, input.storage_offset()));
    } else {
      const auto& of_memory = std::get<OfMemory>(result);
      values.emplace_back(viewed(results[of_memory.memory], of_memory.view, 0));
    }
  }
  return values;
}

}  // namespace tracejet::recording
