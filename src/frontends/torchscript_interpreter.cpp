#include "frontends/torchscript_interpreter.h"

#include <algorithm>

#include <ATen/FunctionalTensorWrapper.h>
#include <ATen/ops/scalar_tensor.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "base/error.h"
#include "frontends/torchscript_numbers.h"
#include "frontends/torchscript_values.h"
#include <tracejet/control_flow.h>

namespace tracejet::torchscript {

namespace jit = torch::jit;

namespace {

bool is_traced(const c10::IValue& value) {
  return value.isTensor() && value.toTensor().defined() &&
         at::functionalization::impl::isFunctionalTensor(value.toTensor());
}

/// "aten::floordiv" gives "floordiv".
std::string_view last_part(const jit::Node& node) { return node.kind().toUnqualString(); }

/// As Python has it: the file, and the line of code below.
std::string location_text(const jit::Node& node) {
  const jit::SourceRange range = node.sourceRange();
  const auto place = range.file_line_col();
  if (!place) return {};
  const auto& [file, line, column] = *place;
  std::string code = range.source()->get_line(range.source()->lineno_for_offset(range.start())).str();
  code.erase(0, code.find_first_not_of(" \t"));
  code.erase(code.find_last_not_of(" \n") + 1);
  return "  File \"" + file + "\", line " + std::to_string(line) + ", in TorchScript\n    " + code + "\n";
}

[[noreturn]] void refuse(const jit::Node& node, const std::string& what) {
  throw UnsupportedOperator("[" + std::string(node.kind().toQualString()) + "] " + what + "\n" + location_text(node));
}

/// With its type, which would otherwise be made of the sizes of its tensors.
c10::IValue tuple_of(std::vector<c10::IValue> items, const jit::Node& node) {
  return c10::ivalue::Tuple::createNamed(std::move(items), node.output()->type()->expect<c10::TupleType>());
}

/// Whether running both ways of a branch would leave something behind: writes, attributes, exceptions.
bool has_effects(const jit::Block& block) {
  return std::ranges::any_of(block.nodes(), [](const jit::Node* node) {
    const jit::FunctionSchema* schema = node->maybeSchema();
    const bool is_call = node->kind() == c10::prim::CallMethod || node->kind() == c10::prim::CallFunction;
    const bool writes = (schema != nullptr && schema->is_mutable()) || node->kind() == c10::prim::SetAttr ||
                        node->kind() == c10::prim::RaiseException || is_call;
    return writes || std::ranges::any_of(node->blocks(), [](const jit::Block* inner) { return has_effects(*inner); });
  });
}

bool gives_tensors(const jit::Node& node) {
  return !node.outputs().empty() && std::ranges::all_of(node.outputs(), [](const jit::Value* output) {
    return output->type()->isSubtypeOf(*c10::TensorType::get());
  });
}

}  // namespace

Interpreter::Interpreter(Tracer& tracer, const jit::Module& module, SetAttributes& set, const std::string& path)
    : tracer_(tracer), module_(module), set_(set) {
  for (const auto& each : module.named_modules()) {
    paths_.emplace(each.value._ivalue().get(),
                   path.empty() || each.name.empty() ? path + each.name : path + "." + each.name);
  }
}

c10::IValue Interpreter::run(const std::string& method, std::vector<c10::IValue> arguments) {
  jit::Function& function = module_.get_method(method).function();
  arguments.insert(arguments.begin(), module_._ivalue());
  // Not checkAndNormalizeInputs(), which asks tensors for plain sizes.
  const auto& declared = function.getSchema().arguments();
  while (arguments.size() < declared.size()) {
    const auto& next = declared[arguments.size()];
    if (!next.default_value()) throw InvalidInput(method + " needs " + next.name() + ", which isn't given");
    arguments.push_back(*next.default_value());
  }
  const struct Lines {
    explicit Lines(Tracer& of) : tracer(of) {}
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;
    ~Lines() { tracer.locations().set_replayed(nullptr); }
    Tracer& tracer;
  } lines(tracer_);  // of the script, until it ends
  return call(function, std::move(arguments));
}

c10::IValue Interpreter::call(jit::Function& function, std::vector<c10::IValue> arguments) {
  jit::GraphFunction* scripted = jit::tryToGraphFunction(function);
  if (scripted == nullptr) {
    function.run(arguments);
    return arguments.empty() ? c10::IValue() : arguments.back();
  }
  const std::shared_ptr<jit::Graph> graph = scripted->graph();
  Frame frame;
  for (size_t i = 0; i < graph->inputs().size(); ++i) frame[graph->inputs()[i]] = arguments.at(i);
  run_block(*graph->block(), frame);
  return frame.at(graph->outputs().at(0));
}

void Interpreter::run_block(const jit::Block& block, Frame& frame) {
  for (const jit::Node* node : block.nodes()) run_node(*node, frame);
}

std::vector<c10::IValue> Interpreter::inputs_of(const jit::Node& node, Frame& frame) const {
  std::vector<c10::IValue> inputs;
  for (const jit::Value* input : node.inputs()) inputs.push_back(frame.at(input));
  return inputs;
}

void Interpreter::run_node(const jit::Node& node, Frame& frame) {
  if (run_structure(node, frame) || run_control_flow(node, frame) || run_question(node, frame)) return;
  run_operator(node, frame);
}

// Objects and constants ----------------------------------------------------------------------------------------------

c10::IValue Interpreter::attribute(const c10::IValue& object, const std::string& name) const {
  const auto holder = object.toObject();
  const auto written = set_.find({holder.get(), name});
  return written != set_.end() ? written->second : holder->getAttr(name);
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

// Control flow -------------------------------------------------------------------------------------------------------

bool Interpreter::run_control_flow(const jit::Node& node, Frame& frame) {
  switch (node.kind()) {
    case c10::prim::If:
      run_if(node, frame);
      return true;
    case c10::prim::Loop:
      run_loop(node, frame);
      return true;
    case c10::prim::CallMethod:
      frame[node.output()] = call_method(node, frame);
      return true;
    case c10::prim::CallFunction: {
      std::vector<c10::IValue> arguments = inputs_of(node, frame);
      arguments.erase(arguments.begin());
      frame[node.output()] =
          call(*node.inputs()[0]->type()->expectRef<c10::FunctionType>().function(), std::move(arguments));
      return true;
    }
    case c10::prim::Enter:
    case c10::prim::Exit: {
      const c10::IValue& object = frame.at(node.input());
      const bool enters = node.kind() == c10::prim::Enter;
      std::vector<c10::IValue> arguments{object};
      if (!enters) arguments.resize(4);  // no exception is on its way
      auto& method = object.toObject()->type()->getMethod(enters ? "__enter__" : "__exit__");
      c10::IValue result = call(method, std::move(arguments));
      if (!node.outputs().empty()) frame[node.output()] = std::move(result);
      return true;
    }
    case c10::prim::RaiseException: {
      const c10::IValue& message = frame.at(node.inputs()[0]);
      throw std::runtime_error((message.isString() ? message.toStringRef() : "TorchScript raises an exception") + "\n" +
                               location_text(node));
    }
    default:
      return false;
  }
}

c10::IValue Interpreter::call_method(const jit::Node& node, Frame& frame) {
  std::vector<c10::IValue> arguments = inputs_of(node, frame);
  const auto object = arguments[0].toObject();
  jit::Function& method = object->type()->getMethod(node.s(c10::attr::name));
  const auto path = paths_.find(object.get());
  if (path == paths_.end()) return call(method, std::move(arguments));
  struct Inside {
    Inside(Tracer& of, const std::string& path, const std::string& type) : tracer(of) {
      tracer.locations().enter_module(path, type);
    }
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;
    ~Inside() { tracer.locations().exit_module(); }
    Tracer& tracer;
  };
  const Inside inside(tracer_, path->second, object->type()->name()->qualifiedName());
  return call(method, std::move(arguments));
}

void Interpreter::run_if(const jit::Node& node, Frame& frame) {
  const c10::IValue& condition = frame.at(node.input());
  if (condition.isTensor()) return run_cond(node, condition.toTensor(), frame);
  const bool truth = condition.isSymBool() ? condition.toSymBool().guard_bool(__FILE__, __LINE__) : condition.toBool();
  const jit::Block& block = *node.blocks()[truth ? 0 : 1];
  run_block(block, frame);
  for (size_t i = 0; i < node.outputs().size(); ++i) frame[node.outputs()[i]] = frame.at(block.outputs()[i]);
}

/// A condition on data: see run_question(), which leaves it a tensor where this can be done.
void Interpreter::run_cond(const jit::Node& node, const at::Tensor& predicate, Frame& frame) {
  const auto branch = [&](const jit::Block& block) {
    return [&](const std::vector<at::Tensor>& /*operands*/) {
      Frame inside = frame;
      run_block(block, inside);
      std::vector<at::Tensor> results;
      for (const jit::Value* output : block.outputs()) results.push_back(inside.at(output).toTensor());
      return results;
    };
  };
  const auto results = cond(predicate, branch(*node.blocks()[0]), branch(*node.blocks()[1]), {});
  for (size_t i = 0; i < results.size(); ++i) frame[node.outputs()[i]] = results[i];
}

void Interpreter::run_loop(const jit::Node& node, Frame& frame) {
  const jit::Block& body = *node.blocks()[0];
  const auto truth = [](const c10::IValue& value) {
    return value.isSymBool() ? value.toSymBool().guard_bool(__FILE__, __LINE__) : value.toBool();
  };
  const c10::IValue& limit = frame.at(node.inputs()[0]);
  const int64_t most = limit.isSymInt() ? limit.toSymInt().guard_int(__FILE__, __LINE__) : limit.toInt();
  bool goes_on = truth(frame.at(node.inputs()[1]));
  std::vector<c10::IValue> carried;
  for (size_t i = 2; i < node.inputs().size(); ++i) carried.push_back(frame.at(node.inputs()[i]));
  for (int64_t index = 0; index < most && goes_on; ++index) {
    frame[body.inputs()[0]] = index;
    for (size_t i = 0; i < carried.size(); ++i) frame[body.inputs()[i + 1]] = carried[i];
    run_block(body, frame);
    goes_on = truth(frame.at(body.outputs()[0]));
    for (size_t i = 0; i < carried.size(); ++i) carried[i] = frame.at(body.outputs()[i + 1]);
  }
  for (size_t i = 0; i < carried.size(); ++i) frame[node.outputs()[i]] = std::move(carried[i]);
}

// Questions on sizes and data ----------------------------------------------------------------------------------------

namespace {

/// Whether the boolean decides on branches alone, all of which can become torch.cond.
bool decides_on_tensors(const jit::Value& condition) {
  return !condition.uses().empty() && std::ranges::all_of(condition.uses(), [](const jit::Use& use) {
    const jit::Node& user = *use.user;
    return user.kind() == c10::prim::If && gives_tensors(user) &&
           std::ranges::none_of(user.blocks(), [](const jit::Block* block) { return has_effects(*block); });
  });
}

}  // namespace

bool Interpreter::run_question(const jit::Node& node, Frame& frame) {
  if (node.outputs().size() != 1) return false;
  const auto set = [&](c10::IValue value) {
    frame[node.output()] = std::move(value);
    return true;
  };
  const std::string_view op = last_part(node);
  const std::vector<c10::IValue> inputs = inputs_of(node, frame);
  if (const auto number = compute(op, inputs)) return set(*number);
  if (inputs.empty()) return false;
  const c10::IValue& first = inputs[0];
  if (first.isTensor() && first.toTensor().defined()) {
    const at::Tensor& tensor = first.toTensor();
    if (op == "size" && inputs.size() == 2 && inputs[1].isInt()) return set(tensor.sym_size(inputs[1].toInt()));
    if (op == "size" && inputs.size() == 1) return set(list_of(as_items(tensor.sym_sizes()), c10::IntType::get()));
    if (op == "stride" && inputs.size() == 2) return set(tensor.sym_stride(inputs[1].toInt()));
    if (op == "stride") return set(list_of(as_items(tensor.sym_strides()), c10::IntType::get()));
    if (op == "numel") return set(tensor.sym_numel());
    if (op == "len") return set(tensor.sym_size(0));
    if (op == "storage_offset") return set(tensor.sym_storage_offset());
    if (!is_traced(first)) return false;
    if (op == "Bool" && decides_on_tensors(*node.output())) return set(tensor.reshape({}).to(at::kBool));
    const bool is_number = op == "Int" || op == "Float" || op == "item" || op == "IntImplicit";
    if (is_number && inputs.size() == 1) {
      const at::Scalar scalar = tensor.item();
      if (scalar.isSymbolic() && scalar.isIntegral(false)) return set(scalar.toSymInt());
    }
    return false;
  }
  if (inputs.size() == 2 && (op == "eq" || op == "ne") && (has_symbols(first) || has_symbols(inputs[1]))) {
    if (!first.isList() || !inputs[1].isList()) return false;
    const c10::IValue same = compared_lists(first, inputs[1]);
    if (op == "eq") return set(same);
    const c10::IValue one[] = {same};
    return set(same.isBool() ? c10::IValue(!same.toBool()) : *compute("__not__", one));
  }
  if (inputs.size() == 2 && (op == "__is__" || op == "__isnot__") && std::ranges::any_of(inputs, &is_symbolic)) {
    return set(op == "__isnot__");  // a number and None
  }
  return false;
}

// Operators ----------------------------------------------------------------------------------------------------------

namespace {

/// Whether a text only ever becomes part of a message, so that it doesn't matter how a size is written there.
bool is_for_people(const jit::Value& text) {
  return std::ranges::all_of(text.uses(), [](const jit::Use& use) {
    const jit::Node& user = *use.user;
    const bool shows =
        user.kind() == c10::prim::RaiseException || user.kind() == c10::prim::Print || user.kind() == c10::aten::warn;
    if (shows || user.outputs().size() != 1) return shows;
    const auto kind = user.output()->type()->kind();
    const bool is_check = user.kind() == c10::prim::CallFunction && kind == c10::TypeKind::NoneType;  // torch._assert
    return is_check || (kind == c10::TypeKind::StringType && is_for_people(*user.output()));
  });
}

/// Whether an operator of TorchScript's own does nothing with numbers but hand them on, or show them to people.
bool bears_symbols(const jit::Node& node) {
  static constexpr std::string_view kOfLists[] = {"append", "insert", "extend", "_set_item", "__getitem__", "slice",
                                                  "copy",   "len",    "list",   "pop",       "reverse",     "add",
                                                  "keys",   "values", "items",  "get",       "setdefault",  "clear"};
  if (last_part(node) != "format") return std::ranges::find(kOfLists, last_part(node)) != std::end(kOfLists);
  return is_for_people(*node.output());
}

}  // namespace

void Interpreter::run_operator(const jit::Node& node, Frame& frame) {
  tracer_.locations().set_replayed(std::make_shared<const std::string>(location_text(node)));
  jit::Stack stack = inputs_of(node, frame);
  const jit::Operator* op = node.maybeOperator();
  const jit::FunctionSchema* schema = op == nullptr ? nullptr : &op->schema();
  for (size_t i = 0; i < stack.size(); ++i) {
    mark_symbolic_list(stack[i]);
    if (schema == nullptr || i >= schema->arguments().size()) continue;
    const c10::Argument& declared = schema->arguments()[i];
    const bool takes_tensor = declared.type()->kind() == c10::TypeKind::TensorType;
    if (takes_tensor && stack[i].isSymInt()) stack[i] = at::scalar_tensor(stack[i].toSymInt(), at::kLong);
    if (stack[i].isList() && takes_optional_tensors(declared)) stack[i] = as_optional_tensors(stack[i]);
  }
  const bool is_of_dispatcher = op != nullptr && op->isC10Op();
  const bool is_symbolic_call = std::ranges::any_of(
      stack, [](const c10::IValue& argument) { return is_symbolic(argument) || has_symbols(argument); });
  if (!is_of_dispatcher && is_symbolic_call && !bears_symbols(node)) {
    std::string axes;
    for (const c10::IValue& argument : stack) axes += axes_in(argument, tracer_.guards().symbol_axes());
    refuse(node, "takes a plain number, and gets a dynamic size (of " + axes +
                     "); make the axis static, or compute it otherwise");
  }
  if (schema != nullptr && schema->is_vararg()) stack.emplace_back(static_cast<int64_t>(stack.size()));
  node.getOperation()(stack);
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    frame[node.outputs()[i]] = std::move(stack.at(stack.size() - node.outputs().size() + i));
  }
}

// State --------------------------------------------------------------------------------------------------------------

void Interpreter::finish() {
  for (const auto& [place, value] : set_) {
    const auto& [object, name] = place;
    if (!paths_.contains(object)) continue;  // of another module
    const c10::IValue before = object->getAttr(name);
    const std::string& path = paths_.at(object);
    const std::string full = path.empty() ? name : path + "." + name;
    if (before.isTensor() && value.isTensor() && before.toTensor().defined() &&
        tracer_.state().contains(before.toTensor())) {
      const at::Tensor &buffer = before.toTensor(), &now = value.toTensor();
      if (now.is_same(buffer)) continue;
      const bool fits = now.scalar_type() == buffer.scalar_type() && now.dim() == buffer.dim() &&
                        std::ranges::equal(now.sym_sizes(), buffer.sym_sizes());
      if (fits) {
        tracer_.signature().rebind_buffer(buffer, now);
        continue;
      }
    }
    const bool is_number = !value.isTensor() && !value.isList() && !value.isTuple() && !value.isObject();
    if (is_number && !is_symbolic(value) && before == value) continue;
    throw UnsupportedOperator("forward sets " + full +
                              ", which its next call may read: a program keeps only buffers between calls, each in one "
                              "shape and dtype; register a buffer of fixed shape");
  }
}

}  // namespace tracejet::torchscript
