// Writes to the model's tensors and to the user's become outputs of the graph.
#include <algorithm>
#include <unordered_map>
#include <vector>

#include <ATen/FunctionalTensorWrapper.h>

#include "base/error.h"
#include "base/memory.h"
#include "capture/tracer.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

bool is_same_memory(const at::Tensor& functional, const at::Tensor& other) {
  return functional.unsafeGetTensorImpl()->unsafe_storage().is_alias_of(other.unsafeGetTensorImpl()->unsafe_storage());
}

bool is_unwritten(const at::Tensor& functional) {
  return at::functionalization::impl::unsafeGetFunctionalWrapper(functional)->mutation_counter() == 0;
}

/// `x.unsqueeze_(0)` makes another tensor of the caller's, which no program can do.
void check_keeps_shape(const GraphInput& input, const Value& content) {
  const TensorMeta& before = input.value->tensor();
  const TensorMeta& now = content.tensor();
  if (std::ranges::equal(before.sizes, now.sizes, symbolic::is_statically_equal) && before.dtype == now.dtype) return;
  throw UnsupportedOperator("the model changes " + input.name + " in place from " + before.str() + " to " + now.str() +
                            "; a program can write new values to it, but not give it another shape: bind a new tensor");
}

}  // namespace

void Tracer::check_written_memory(const Written& written, const std::function<std::string(const Value*)>& name_of) {
  if (written.empty()) return;
  std::vector<std::pair<MemoryRange, const Lifted*>> sorted;
  for (const auto& [impl, lifted] : scopes_.front().lifted) sorted.emplace_back(memory_range(lifted.real), &lifted);
  std::ranges::sort(sorted, std::less(), [](const auto& entry) { return entry.first.begin; });
  for (size_t i = 0; i < sorted.size(); ++i) {
    const MemoryRange range = sorted[i].first;
    for (size_t j = i + 1; j < sorted.size() && sorted[j].first.begin < range.end; ++j) {
      const Lifted *one = sorted[i].second, *other = sorted[j].second;
      const bool is_written = written.contains(one->value) || written.contains(other->value);
      if (!is_written || one->value == other->value || is_same_memory(one->stand_in, other->stand_in)) continue;
      if (!memory_overlaps(one->real, other->real)) continue;
      needs_shared_memory_ = !options_.shares_memory;
      if (!written.contains(one->value)) std::swap(one, other);
      throw UnsupportedOperator("the model writes to " + name_of(one->value) +
                                " in place, whose memory it also reads as another tensor (" + name_of(other->value) +
                                "); clone one of them");
    }
  }
}

/// `self.buffer = …` makes another tensor of the buffer, which a program can only write to its memory.
void Tracer::check_rebound_memory(const std::function<std::string(const Value*)>& name_of) const {
  for (const auto& [buffer, content] : rebound_) {
    for (const auto& [impl, other] : scopes_.front().lifted) {
      const auto is_buffer = [&](const GraphInput& input) { return input.value == buffer; };
      const GraphInput& input = *std::ranges::find_if(program()->inputs(), is_buffer);
      if (other.value == buffer || !memory_overlaps(other.real, input.data)) continue;
      throw UnsupportedOperator("the model binds " + name_of(buffer) +
                                " to another tensor, and also reads the memory of "
                                "the first one as " +
                                name_of(other.value) + "; write to it in place (copy_) instead");
    }
  }
}

void Tracer::add_mutations() {
  std::unordered_map<const Value*, size_t> index;
  const auto inputs = program()->inputs();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].value != nullptr) index.emplace(inputs[i].value, i);
  }
  const auto name_of = [&](const Value* value) {
    const auto found = index.find(value);
    return found == index.end() ? "a view of it" : inputs[found->second].name;
  };
  Written written;
  for (const auto& [impl, lifted] : scopes_.front().lifted) {
    if (options_.shares_memory && is_unwritten(lifted.stand_in)) continue;  // a view, of another value anyway
    const Value& now = current_value(lifted.stand_in);
    if (&now == lifted.value) continue;
    written[lifted.value] = &now;
  }
  check_written_memory(written, name_of);
  check_rebound_memory(name_of);
  for (const auto& [buffer, content] : rebound_) written[buffer] = content;
  for (const UserInput& input : user_inputs_) {
    const Value& now = current_value(input.tensor);
    if (&now != input.value) written[input.value] = &now;
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto write = inputs[i].value == nullptr ? written.end() : written.find(inputs[i].value);
    if (write == written.end()) continue;
    check_keeps_shape(inputs[i], *write->second);
    switch (inputs[i].kind) {
      case GraphInput::Kind::kParameter:
      case GraphInput::Kind::kBuffer:
        program()->add_output({GraphOutput::Kind::kBufferMutation, write->second, {}, i});
        break;
      case GraphInput::Kind::kUser:
        program()->add_output({GraphOutput::Kind::kInputMutation, write->second, {}, i});
        break;
      case GraphInput::Kind::kConstant:
        throw UnsupportedOperator("the model writes to " + inputs[i].name +
                                  ", a tensor that is no buffer of it, in place; register it as a buffer");
    }
  }
}

}  // namespace tracejet
