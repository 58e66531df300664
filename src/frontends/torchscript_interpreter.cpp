#include "frontends/torchscript_interpreter.h"

#include <algorithm>

#include <ATen/ScalarOps.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "base/error.h"
#include "capture/keys.h"
#include "frontends/torchscript_nodes.h"
#include "frontends/torchscript_numbers.h"
#include "frontends/torchscript_tensors.h"
#include "frontends/torchscript_values.h"
#include "ir/schema.h"
#include "ir/symbolic_constant.h"

namespace tracejet::torchscript {

namespace jit = torch::jit;

Interpreter::Interpreter(Tracer& tracer, const jit::Module& module, SetAttributes& set, const std::string& path)
    : tracer_(tracer), module_(module), set_(set) {
  for (const auto& each : module.named_modules()) {
    paths_.emplace(each.value._ivalue().get(),
                   path.empty() || each.name.empty() ? path + each.name : path + "." + each.name);
  }
  announce_state();
}

c10::IValue Interpreter::run(const std::string& method, std::vector<c10::IValue> arguments) {
  jit::Function& function = module_.get_method(method).function();
  arguments.insert(arguments.begin(), module_._ivalue());
  // Not checkAndNormalizeInputs(), which asks tensors for plain sizes.
  const auto& declared = function.getSchema().arguments();
  while (arguments.size() < declared.size()) {
    const auto& next = declared[arguments.size()];
    if (!next.default_value())
      throw InvalidInput(method + " needs " + next.name() + ", which isn't given", ErrorCode::kModelArguments);
    arguments.push_back(*next.default_value());
  }
  const struct Lines {
    explicit Lines(Tracer& of) : tracer(of) {}
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;
    ~Lines() { tracer.locations().set_replayed(nullptr); }
    Tracer& tracer;
  } lines(tracer_);  // of the script, until it ends
  const c10::IValue result = call(function, std::move(arguments));
  const auto& returns = function.getSchema().returns();
  return for_language(returns.empty() ? result : as_tensors(result, returns.front().type()));
}

/// Numbers in the form in which the language of the model takes them.
c10::IValue Interpreter::for_language(const c10::IValue& result) const {
  if (result.isTuple()) {
    std::vector<c10::IValue> items = items_of(result);
    for (c10::IValue& item : items) item = for_language(item);
    return c10::ivalue::Tuple::createNamed(std::move(items), result.toTupleRef().type()->expect<c10::TupleType>());
  }
  if (result.isList()) {
    const auto list = result.toList();
    for (size_t i = 0; i < list.size(); ++i) {
      const c10::IValue& item = list.get(i);
      if (!item.isTensor()) list.set(i, for_language(item));
    }
  } else if (result.isGenericDict()) {
    for (const auto& entry : result.toGenericDict()) entry.setValue(for_language(entry.value()));
  }
  return tracejet::for_language(tracer_.hooks(), result);
}

void Interpreter::locate(const jit::Node& node) {
  std::string text = location_text(node);  // some nodes of a line have none
  if (!text.empty()) tracer_.locations().set_replayed(std::make_shared<const std::string>(std::move(text)));
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

// Operators -----------------------------------------------------------------------------------------------------------

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

/// PyTorch's optimizer, through which every script is run, makes a number of a constant without axes that is the second
/// operand here (CanonicalizeOps): what the result's dtype is depends on it.
bool optimizer_takes_number(const jit::Node& node, const jit::Stack& inputs) {
  static constexpr std::string_view kOps[] = {"add", "sub", "mul", "div"};
  return node.kind().is_aten() && std::ranges::find(kOps, last_part(node)) != std::end(kOps) &&
         node.schema().overload_name() == "Tensor" && node.inputs()[1]->node()->kind() == c10::prim::Constant &&
         inputs[1].toTensor().dim() == 0;
}

/// Operators that work on data or a generator at once, and so can't be part of a program.
std::string_view why_refused(const jit::Node& node) {
  if (node.kind() == c10::prim::tolist) {
    return "makes numbers of a tensor's data, which only exist when the program runs; compute with the tensor instead";
  }
  const std::string_view op = node.kind().toQualString();
  if (op == "aten::manual_seed" || op == "aten::seed" || op == "aten::initial_seed") {
    return "is about PyTorch's generator, which isn't part of a program; seed before the program is run, or take the "
           "random tensor as an argument of forward";
  }
  return {};
}

at::Tensor wrapped_number(const at::Tensor& constant) {
  const ExcludeTracingGuard guard;
  return at::native::wrapped_scalar_tensor(constant.item());
}

}  // namespace

void Interpreter::run_operator(const jit::Node& node, Frame& frame) {
  locate(node);
  if (const std::string_view why = why_refused(node); !why.empty()) {
    throw UnsupportedOperator("[" + std::string(node.kind().toQualString()) + "] " + std::string(why) + "\n" +
                                  tracer_.locations().describe_current(),
                              ErrorCode::kTorchScript);
  }
  jit::Stack stack = inputs_of(node, frame);
  const jit::Operator* op = node.maybeOperator();
  const jit::FunctionSchema* schema = op == nullptr ? nullptr : &op->schema();
  for (size_t i = 0; i < stack.size(); ++i) {
    mark_symbolic_list(stack[i]);
    if (schema == nullptr || i >= schema->arguments().size()) continue;
    const c10::Argument& declared = schema->arguments()[i];
    stack[i] = as_tensors(stack[i], declared.type());
    if (is_written(declared)) frame[node.inputs()[i]] = stack[i];
    if (stack[i].isList() && takes_optional_tensors(declared)) stack[i] = as_optional_tensors(stack[i]);
  }
  if (schema != nullptr && optimizer_takes_number(node, stack)) stack[1] = wrapped_number(stack[1].toTensor());
  const bool is_of_dispatcher = op != nullptr && op->isC10Op();
  if (const std::optional<at::Tensor> made = made_of_numbers(node, stack)) {
    frame[node.output()] = *made;
    return;
  }
  const bool is_symbolic_call = std::ranges::any_of(
      stack, [](const c10::IValue& argument) { return is_symbolic_number(argument) || has_symbols(argument); });
  if (!is_of_dispatcher && is_symbolic_call && !bears_symbols(node)) {
    const std::string axes = axes_in(stack, tracer_.guards().symbol_axes());
    refuse(node, axes.empty() ? "takes a plain number, and gets one that comes from data; compute with tensors instead"
                              : "takes a plain number, and gets a dynamic size (of " + axes +
                                    "); make the axis static, or compute it otherwise");
  }
  if (schema != nullptr && schema->is_vararg()) stack.emplace_back(static_cast<int64_t>(stack.size()));
  node.getOperation()(stack);
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    frame[node.outputs()[i]] = std::move(stack.at(stack.size() - node.outputs().size() + i));
  }
}

}  // namespace tracejet::torchscript
