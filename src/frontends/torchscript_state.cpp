// What methods leave behind for the next call.
#include <algorithm>
#include <set>

#include <torch/csrc/jit/api/function_impl.h>

#include "base/error.h"
#include "base/memory.h"
#include "frontends/torchscript_interpreter.h"
#include "frontends/torchscript_nodes.h"
#include "frontends/torchscript_numbers.h"
#include "frontends/torchscript_values.h"
#include "ir/symbolic_constant.h"

namespace tracejet::torchscript {

namespace jit = torch::jit;

namespace {

using Place = std::pair<const c10::ClassType*, std::string>;

/// The attributes that some method of these types sets.
std::set<Place> attributes_set(const std::set<const c10::ClassType*>& types) {
  std::set<Place> places;
  for (const c10::ClassType* type : types) {
    for (jit::Function* method : type->methods()) {
      jit::GraphFunction* scripted = jit::tryToGraphFunction(*method);
      if (scripted == nullptr) continue;
      for_each_node(*scripted->graph()->block(), [&](const jit::Node& node) {
        if (node.kind() != c10::prim::SetAttr) return;
        places.emplace(node.inputs()[0]->type()->expect<c10::ClassType>().get(), node.s(c10::attr::name));
      });
    }
  }
  return places;
}

/// The line that binds an attribute, or else gives its value: what is scripted in memory knows no lines of attributes.
std::shared_ptr<const std::string> line_of_binding(const c10::ClassType& type, const std::string& name) {
  std::string line;
  for (jit::Function* method : type.methods()) {
    jit::GraphFunction* scripted = jit::tryToGraphFunction(*method);
    if (scripted == nullptr) continue;
    for_each_node(*scripted->graph()->block(), [&](const jit::Node& node) {
      const bool binds = node.kind() == c10::prim::SetAttr && node.s(c10::attr::name) == name &&
                         node.inputs()[0]->type()->expect<c10::ClassType>().get() == &type;
      if (binds && line.empty()) line = location_text(node);
      if (binds && line.empty()) line = location_text(*node.inputs()[1]->node());
    });
  }
  return line.empty() ? nullptr : std::make_shared<const std::string>(std::move(line));
}

std::string in_words(const c10::IValue& value) {
  if (value.isTensor() && value.toTensor().defined()) {
    return c10::str(value.toTensor().toString(), value.toTensor().sym_sizes());
  }
  const bool is_number = value.isInt() || value.isDouble() || value.isBool() || is_symbolic_number(value);
  return is_number || value.isNone() ? c10::str(value) : "a " + value.tagKind();
}

}  // namespace

std::string Interpreter::full_name(const c10::ivalue::Object* object, const std::string& name) const {
  const std::string& path = paths_.at(object);
  return path.empty() ? name : path + "." + name;
}

void Interpreter::announce_state() {
  std::set<const c10::ClassType*> types;
  for (const auto& [object, path] : paths_) types.insert(object->type().get());
  const std::set<Place> places = attributes_set(types);
  for (const auto& each : module_.named_modules()) {
    const auto object = each.value._ivalue();
    const c10::ClassType& type = *object->type();
    for (size_t slot = 0; slot < type.numAttributes(); ++slot) {
      const std::string& name = type.getAttributeName(slot);
      const c10::IValue& value = object->getSlot(slot);
      if (!value.isTensor() || !value.toTensor().defined() || !places.contains({&type, name})) continue;
      if (tracer_.state().contains(value.toTensor())) continue;
      tracer_.state().add_buffer(full_name(object.get(), name), value.toTensor(), /*persistent=*/false);
    }
  }
}

/// A program can only write to the buffer's memory, which another tensor of the model may go on showing.
void Interpreter::check_unshared(const c10::ivalue::Object* holder, const std::string& name,
                                 const at::Tensor& buffer) const {
  for (const auto& [object, path] : paths_) {
    const c10::ClassType& type = *object->type();
    for (size_t slot = 0; slot < type.numAttributes(); ++slot) {
      const c10::IValue& other = object->getSlot(slot);
      if (!other.isTensor() || (object == holder && type.getAttributeName(slot) == name)) continue;
      if (!memory_overlaps(buffer, other.toTensor())) continue;
      throw UnsupportedOperator("forward binds " + full_name(holder, name) + " to another tensor, while " +
                                    full_name(object, type.getAttributeName(slot)) +
                                    " shows the memory of the first one; write to it in place (copy_) instead, or "
                                    "register a clone\n" +
                                    tracer_.locations().describe_current(),
                                ErrorCode::kModelState);
    }
  }
}

void Interpreter::finish() {
  for (const auto& [place, value] : set_) {
    const auto& [object, name] = place;
    if (!paths_.contains(object)) continue;  // of another module
    const c10::IValue before = object->getAttr(name);
    if (before.isTensor() && value.isTensor() && before.toTensor().defined() &&
        tracer_.state().contains(before.toTensor())) {
      const at::Tensor &buffer = before.toTensor(), &now = value.toTensor();
      if (now.is_same(buffer)) continue;
      const bool fits = now.scalar_type() == buffer.scalar_type() && now.dim() == buffer.dim() &&
                        std::ranges::equal(now.sym_sizes(), buffer.sym_sizes());
      if (fits) {
        tracer_.locations().set_replayed(line_of_binding(*object->type(), name));
        check_unshared(object, name, buffer);
        tracer_.signature().rebind_buffer(buffer, now);
        tracer_.locations().set_replayed(nullptr);
        continue;
      }
    }
    if (may_be_changed(value) && is_unchanged(before, value)) continue;
    const bool is_number = !value.isTensor() && !value.isTuple() && !value.isObject() && !may_be_changed(value);
    if (is_number && !is_symbolic_number(value) && before == value) continue;
    throw UnsupportedOperator(
        "forward sets " + full_name(object, name) + " from " + in_words(before) + " to " + in_words(value) +
            ", which its next call may read: a program keeps only tensors between calls, each in one shape and dtype. "
            "Where all calls but the first leave it like this, call the module once before it is traced; else register "
            "a buffer of fixed shape",
        ErrorCode::kTorchScript);
  }
}

}  // namespace tracejet::torchscript
