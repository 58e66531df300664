// Writes to the model's tensors and to the user's become outputs of the graph.
#include <algorithm>
#include <unordered_map>

#include "capture/tracer.h"
#include "support/error.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

/// What two tensors have in common that show the same memory; null where there is none.
const void* memory_of(const at::Tensor& tensor) {
  if (!tensor.has_storage() || tensor.storage().nbytes() == 0) return nullptr;
  const void* data = tensor.storage().data();
  return data != nullptr ? data : tensor.storage().unsafeGetStorageImpl();
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

void Tracer::add_mutations() {
  std::unordered_map<const Value*, size_t> index;
  const auto inputs = program()->inputs();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].value != nullptr) index.emplace(inputs[i].value, i);
  }
  std::unordered_multimap<const void*, const Value*> stored_in;
  for (const auto& [impl, lifted] : scopes_.front().lifted) {
    if (const void* memory = memory_of(lifted.real)) stored_in.emplace(memory, lifted.value);
  }
  std::unordered_map<const Value*, const Value*> written;  // input, new content
  for (const auto& [impl, lifted] : scopes_.front().lifted) {
    const Value& now = current_value(lifted.stand_in);
    if (&now == lifted.value) continue;
    written[lifted.value] = &now;
    const auto [first, last] = stored_in.equal_range(memory_of(lifted.real));
    for (auto other = first; other != last; ++other) {
      if (other->second == lifted.value) continue;
      throw UnsupportedOperator("the model writes to " + inputs[index.at(lifted.value)].name +
                                " in place, whose memory it also reads as another tensor (" +
                                inputs[index.at(other->second)].name + "); clone one of them");
    }
  }
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
      case GraphInput::Kind::kBuffer:
        program()->add_output({GraphOutput::Kind::kBufferMutation, write->second, {}, i});
        break;
      case GraphInput::Kind::kUser:
        program()->add_output({GraphOutput::Kind::kInputMutation, write->second, {}, i});
        break;
      case GraphInput::Kind::kParameter:
      case GraphInput::Kind::kConstant:
        throw UnsupportedOperator("the model writes to " + inputs[i].name +
                                  (inputs[i].kind == GraphInput::Kind::kParameter
                                       ? ", a parameter, in place; make it a buffer"
                                       : ", a tensor that is no buffer of it, in place; register it as a buffer"));
    }
  }
}

}  // namespace tracejet
