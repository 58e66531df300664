// Objects, containers and constants.
#include <torch/csrc/jit/ir/constants.h>

#include "frontends/torchscript_interpreter.h"
#include "frontends/torchscript_nodes.h"
#include "frontends/torchscript_values.h"

namespace tracejet::torchscript {

namespace jit = torch::jit;

namespace {

/// With its type, which would otherwise be made of the sizes of its tensors.
c10::IValue tuple_of(std::vector<c10::IValue> items, const jit::Node& node) {
  return c10::ivalue::Tuple::createNamed(std::move(items), node.output()->type()->expect<c10::TupleType>());
}

}  // namespace

c10::IValue Interpreter::attribute(const c10::IValue& object, const std::string& name) {
  const auto holder = object.toObject();
  const auto written = set_.find({holder.get(), name});
  if (written != set_.end()) return written->second;
  c10::IValue value = holder->getAttr(name);
  if (!paths_.contains(holder.get()) || !may_be_changed(value)) return value;
  return set_[{holder.get(), name}] = copy_to_change(value, copies_);
}

bool Interpreter::run_structure(const jit::Node& node, Frame& frame) {
  const auto set = [&](c10::IValue value) { frame[node.output()] = std::move(value); };
  const auto set_all = [&](std::vector<c10::IValue> values) {
    if (values.size() != node.outputs().size()) {
      refuse(node,
             "expected " + std::to_string(node.outputs().size()) + " items, got " + std::to_string(values.size()));
    }
    for (size_t i = 0; i < values.size(); ++i) frame[node.outputs()[i]] = std::move(values[i]);
  };
  switch (node.kind()) {
    case c10::prim::Constant: {
      const auto constant = jit::toIValue(node.output());
      set(constant ? *constant : c10::IValue());
      return true;
    }
    case c10::prim::GetAttr:
      set(attribute(frame.at(node.input()), node.s(c10::attr::name)));
      return true;
    case c10::prim::SetAttr: {
      const auto holder = frame.at(node.inputs()[0]).toObject();
      const c10::IValue& value = frame.at(node.inputs()[1]);
      if (paths_.contains(holder.get())) {
        set_[{holder.get(), node.s(c10::attr::name)}] = value;
      } else {
        holder->setAttr(node.s(c10::attr::name), value);  // an object that forward has made
      }
      return true;
    }
    case c10::prim::CreateObject: {
      const auto type = node.output()->type()->expect<c10::ClassType>();
      set(c10::ivalue::Object::create(c10::StrongTypePtr(type->compilation_unit(), type), type->numAttributes()));
      return true;
    }
    case c10::prim::Uninitialized:
      set(c10::IValue::uninitialized());
      return true;
    case c10::prim::ListConstruct:
      set(list_of(inputs_of(node, frame), node.output()->type()->expectRef<c10::ListType>().getElementType()));
      return true;
    case c10::prim::DictConstruct:
      set(dict_of(inputs_of(node, frame), node.output()->type()->expectRef<c10::DictType>()));
      return true;
    case c10::prim::TupleConstruct:
      set(tuple_of(inputs_of(node, frame), node));
      return true;
    case c10::prim::TupleUnpack:
      set_all(items_of(frame.at(node.input())));
      return true;
    case c10::prim::ListUnpack:
      set_all(frame.at(node.input()).toListRef().vec());
      return true;
    case c10::prim::TupleSlice: {
      const std::vector<c10::IValue> items = items_of(frame.at(node.input()));
      set(tuple_of({items.begin() + node.i(c10::attr::beg), items.begin() + node.i(c10::attr::end)}, node));
      return true;
    }
    case c10::prim::isinstance:
      set(is_one_of(frame.at(node.input()), node.tys(c10::attr::types)));
      return true;
    case c10::prim::unchecked_cast:
    case c10::prim::unchecked_unwrap_optional:
      set(frame.at(node.input()));
      return true;
    case c10::prim::Print:
    case c10::aten::warn:
      return true;
    case c10::prim::PythonOp:
      refuse(node, "calls Python, which a TorchScript file can't hold; write it in TorchScript");
    default:
      return false;
  }
}

}  // namespace tracejet::torchscript
