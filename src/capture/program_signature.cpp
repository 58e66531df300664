#include "capture/program_signature.h"

#include <algorithm>
#include <unordered_set>

#include <ATen/ops/clone.h>

#include "base/error.h"
#include "base/memory.h"
#include "capture/devices.h"
#include "capture/functionalization.h"
#include "symbolic/asker.h"
#include "symbolic/sym_node.h"

namespace tracejet {

at::Tensor ProgramSignature::add_input(std::string name, TensorMeta meta) {
  if (meta.device.is_cuda()) allow_naming_cuda();
  meta.device = with_index(meta.device);
  guards_.add_input(name, meta);
  const Value* value = program().add_input(GraphInput::Kind::kUser, std::move(meta), std::move(name));
  return user_inputs_.emplace_back(scopes_.make_functional(*value), value).tensor;
}

void ProgramSignature::add_literal_input(std::string name) {
  program().add_input(GraphInput::Kind::kUser, std::nullopt, std::move(name));
}

namespace {

/// The node's output that a symbol stands for (the result of `.item()`); null for sizes and for all that is computed.
const Value* find_scalar(const Graph& graph, const c10::IValue& number) {
  const auto expression_in = [](const c10::IValue& scalar) -> std::optional<symbolic::Expression> {
    if (scalar.isSymInt()) return symbolic::expression_of(scalar.toSymInt());
    return scalar.isSymFloat() ? symbolic::expression_of(scalar.toSymFloat()) : std::nullopt;
  };
  const auto expression = expression_in(number);
  if (!expression || expression->kind() != symbolic::Kind::kSymbol || expression->symbol().backed) return nullptr;
  for (const Node& node : graph.nodes()) {
    for (const Value* output : node.outputs()) {
      if (output == nullptr || output->is_tensor()) continue;
      if (expression_in(output->scalar()) == expression) return output;
    }
  }
  return nullptr;
}

}  // namespace

void ProgramSignature::add_output(c10::IValue output) {
  const symbolic::AskedBy asked(symbolic::Asker::kPyTorch);
  if (output.isTensor()) {
    aliases_.check_content(lifting_.lift(output.toTensor()), "a result");
    results_.push_back({GraphOutput::Kind::kUser, &lifting_.value_of(output.toTensor()), {}, 0});
    return;
  }
  c10::IValue number = own_number(hooks_, output);
  const Value* scalar = find_scalar(program(), number);
  results_.push_back({GraphOutput::Kind::kUser, scalar, scalar == nullptr ? std::move(number) : c10::IValue(), 0});
}

void ProgramSignature::rebind_buffer(const at::Tensor& buffer, const at::Tensor& replacement) {
  const Value* target = state_.find(buffer);
  const symbolic::AskedBy asked(symbolic::Asker::kPyTorch);
  if (target == nullptr) throw Error("only a buffer that was announced can be bound to another tensor");
  const at::Tensor now = lifting_.lift(replacement);
  aliases_.check_content(now, "a buffer that is bound to it");
  std::erase_if(bindings_, [&](const Binding& earlier) { return earlier.buffer == target; });
  bindings_.push_back({target, now, locations_.describe_current()});
}

void ProgramSignature::finish() {
  const symbolic::AskedBy asked(symbolic::Asker::kPyTorch);
  program().order_inputs();
  add_mutations();
  for (GraphOutput& result : results_) program().add_output(std::move(result));
}

namespace {

bool is_same_memory(const at::Tensor& functional, const at::Tensor& other) {
  return functional.unsafeGetTensorImpl()->unsafe_storage().is_alias_of(other.unsafeGetTensorImpl()->unsafe_storage());
}

/// `x.unsqueeze_(0)` makes another tensor of the caller's, which no program can do.
void check_keeps_shape(const GraphInput& input, const Value& content) {
  const TensorMeta& before = input.value->tensor();
  const TensorMeta& now = content.tensor();
  if (std::ranges::equal(before.sizes, now.sizes, symbolic::is_statically_equal) && before.dtype == now.dtype) return;
  throw UnsupportedOperator(
      "the model changes " + input.name + " in place from " + before.str() + " to " + now.str() +
          "; a program can write new values to it, but not give it another shape: bind a new tensor",
      ErrorCode::kInPlaceWrite);
}

}  // namespace

ProgramSignature::Written ProgramSignature::written_state() const {
  Written written;
  for (const auto& [impl, lifted] : scopes_.program().lifted) {
    if (shares_memory_ && is_unwritten(lifted.stand_in)) continue;  // a view, of another value anyway
    const Value& now = scopes_.current_value(lifted.stand_in);
    if (&now != lifted.value) written[lifted.value] = &now;
  }
  return written;
}

void ProgramSignature::check_written_memory(const Written& written, const NameOf& name_of) {
  if (written.empty()) return;
  std::vector<std::pair<MemoryRange, const Lifted*>> sorted;
  for (const auto& [impl, lifted] : scopes_.program().lifted) sorted.emplace_back(memory_range(lifted.real), &lifted);
  std::ranges::sort(sorted, std::less(), [](const auto& entry) { return entry.first.begin; });
  for (size_t i = 0; i < sorted.size(); ++i) {
    const MemoryRange range = sorted[i].first;
    for (size_t j = i + 1; j < sorted.size() && sorted[j].first.begin < range.end; ++j) {
      const Lifted *one = sorted[i].second, *other = sorted[j].second;
      const bool is_written = written.contains(one->value) || written.contains(other->value);
      if (!is_written || one->value == other->value || is_same_memory(one->stand_in, other->stand_in)) continue;
      if (!memory_overlaps(one->real, other->real)) continue;
      needs_shared_memory_ = !shares_memory_;
      if (!written.contains(one->value)) std::swap(one, other);
      throw UnsupportedOperator("the model writes to " + name_of(one->value) +
                                    " in place, whose memory it also reads as another tensor (" +
                                    name_of(other->value) + "); clone one of them",
                                ErrorCode::kInPlaceWrite);
    }
  }
}

/// Buffers of a program are apart, and so are they from its inputs: what is written to one isn't seen in another.
void ProgramSignature::throw_bound_to_memory(const Binding& binding, const std::string& name, const std::string& of,
                                             const std::string& written) {
  throw UnsupportedOperator("forward binds " + name + " to the memory of " + of +
                                " (or to a view of it), and writes to " + written +
                                " in place: later calls would see that in both, and a program keeps them " +
                                "apart; bind it to a clone()" + (binding.where.empty() ? "" : "\n" + binding.where),
                            ErrorCode::kModelState);
}

void ProgramSignature::check_rebound_memory(const NameOf& name_of) const {
  const auto& all_lifted = scopes_.program().lifted;
  std::unordered_set<const Value*> written, bound;
  for (const auto& [impl, lifted] : all_lifted) {
    if (!is_unwritten(lifted.stand_in)) written.insert(lifted.value);
  }
  for (const Binding& binding : bindings_) bound.insert(binding.buffer);
  const auto is_read = [&](const Value* value) {
    return !value->users().empty() || std::ranges::find(results_, value, &GraphOutput::value) != results_.end() ||
           std::ranges::find(bindings_, value, &Binding::content) != bindings_.end();
  };
  for (const Binding& binding : bindings_) {
    const std::string name = name_of(binding.buffer);
    const auto check_apart = [&](const at::Tensor& other, const std::string& of, bool is_other_written) {
      if (!aliases_.may_share(binding.now, other)) return;
      if (written.contains(binding.buffer)) throw_bound_to_memory(binding, name, of, name);
      if (is_other_written && is_read(binding.buffer)) throw_bound_to_memory(binding, name, of, of);
    };
    for (const Binding& other : bindings_) {
      if (&other != &binding) check_apart(other.now, name_of(other.buffer), written.contains(other.buffer));
    }
    for (const auto& [impl, lifted] : all_lifted) {
      if (bound.contains(lifted.value)) continue;
      check_apart(lifted.stand_in, name_of(lifted.value), written.contains(lifted.value));
    }
    for (const UserInput& input : user_inputs_) {
      check_apart(input.tensor, name_of(input.value), !is_unwritten(input.tensor));
    }
  }
  for (const Binding& binding : bindings_) {
    for (const auto& [impl, other] : scopes_.program().lifted) {
      const auto is_buffer = [&](const GraphInput& input) { return input.value == binding.buffer; };
      const GraphInput& input = *std::ranges::find_if(program().inputs(), is_buffer);
      if (other.value == binding.buffer || !memory_overlaps(other.real, input.data)) continue;
      throw UnsupportedOperator("the model binds " + name_of(binding.buffer) +
                                    " to another tensor, and also reads the memory of "
                                    "the first one as " +
                                    name_of(other.value) + "; write to it in place (copy_) instead",
                                ErrorCode::kInPlaceWrite);
    }
  }
}

namespace {

/// The value that a chain of views shows.
const Value* shown_value(const Value& value) {
  const Node* node = value.producer();
  if (node == nullptr || node->op().schema().returns().empty()) return &value;
  if (node->op().schema().returns().front().alias_info() == nullptr) return &value;
  const auto* viewed = std::get_if<const Value*>(&node->arguments().front());
  return viewed == nullptr || *viewed == nullptr ? &value : shown_value(**viewed);
}

}  // namespace

void ProgramSignature::add_mutations() {
  std::unordered_map<const Value*, size_t> index;
  const auto inputs = program().inputs();
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].value != nullptr) index.emplace(inputs[i].value, i);
  }
  const auto name_of = [&](const Value* value) {
    const auto found = index.find(value);
    return found == index.end() ? "a view of it" : inputs[found->second].name;
  };
  for (Binding& binding : bindings_) binding.content = &scopes_.current_value(binding.now);
  for (const auto& [impl, lifted] : scopes_.program().lifted)
    aliases_.check_content(lifted.stand_in, name_of(lifted.value));
  for (const UserInput& input : user_inputs_) aliases_.check_content(input.tensor, name_of(input.value));
  Written written = written_state();
  check_written_memory(written, name_of);
  check_rebound_memory(name_of);
  for (const Binding& binding : bindings_) written[binding.buffer] = binding.content;
  for (const UserInput& input : user_inputs_) {
    const Value& now = scopes_.current_value(input.tensor);
    if (&now != input.value) written[input.value] = &now;
  }
  // A program writes to its tensors one after the other, before anyone reads its results.
  const auto kept_apart = [&](const Value* content) {
    return content != nullptr && written.contains(shown_value(*content))
               ? &scopes_.current_value(at::clone(scopes_.make_functional(*content)))
               : content;
  };
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto write = inputs[i].value == nullptr ? written.end() : written.find(inputs[i].value);
    if (write != written.end()) write->second = kept_apart(write->second);
  }
  for (GraphOutput& result : results_) result.value = kept_apart(result.value);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto write = inputs[i].value == nullptr ? written.end() : written.find(inputs[i].value);
    if (write == written.end()) continue;
    check_keeps_shape(inputs[i], *write->second);
    switch (inputs[i].kind) {
      case GraphInput::Kind::kParameter:
      case GraphInput::Kind::kBuffer:
        program().add_output({GraphOutput::Kind::kBufferMutation, write->second, {}, i});
        break;
      case GraphInput::Kind::kUser:
        program().add_output({GraphOutput::Kind::kInputMutation, write->second, {}, i});
        break;
      case GraphInput::Kind::kConstant:
        throw UnsupportedOperator("the model writes to " + inputs[i].name +
                                      ", a tensor that is no buffer of it, in place; register it as a buffer",
                                  ErrorCode::kInPlaceWrite);
    }
  }
}

}  // namespace tracejet
