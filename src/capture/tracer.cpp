#include "capture/tracer.h"

#include <ATen/FunctionalTensorWrapper.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "base/error.h"
#include "capture/devices.h"
#include "capture/keys.h"
#include "capture/tensor_arguments.h"
#include "capture/traced_tensor.h"
#include "ir/model_line.h"
#include "ir/passes/dead_nodes.h"
#include "ir/schema.h"
#include "symbolic/asker.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace functionalization = at::functionalization;

namespace {

thread_local Tracer* current_tracer = nullptr;

// Symbols outlive the tracer, so these ask for the one at work.
Location current_location() {
  return current_tracer == nullptr ? Location{capture_stack()} : current_tracer->location();
}

bool is_asserted() { return current_tracer != nullptr && current_tracer->needed_truth() == true; }

}  // namespace

/// The thread's dispatch state during a trace; going out of scope restores it.
struct Tracer::Activation {
  explicit Activation(Tracer* tracer) : include(kTracingKeys), reapply_views(true) { current_tracer = tracer; }
  ~Activation() { current_tracer = nullptr; }
  symbolic::AskedBy asked{symbolic::Asker::kCaller};
  c10::impl::IncludeDispatchKeyGuard include;
  functionalization::impl::FunctionalizationReapplyViewsGuard reapply_views;
};

Tracer* Tracer::current() { return current_tracer; }

Tracer::Tracer(FrontendHooks hooks, TracerOptions options) : hooks_(hooks), options_(std::move(options)), scopes_(1) {
  scopes_.front().graph = std::make_shared<Graph>(symbolic::Context::create(current_location, is_asserted));
}

Tracer::~Tracer() { end(); }

void Tracer::begin() {
  if (current_tracer != nullptr) {
    throw Error("this thread traces a model already: a trace can't start inside another one");
  }
  plans_ = plans_for(options_.decompositions);
  activation_ = std::make_unique<Activation>(this);
}

void Tracer::end() { activation_.reset(); }

at::Tensor Tracer::make_traced(const Value& value) const {
  return at::Tensor(c10::make_intrusive<TracedTensor>(graph(), value));
}

at::Tensor Tracer::make_functional(const Value& value) const {
  at::Tensor functional = functionalization::impl::to_functional_tensor(make_traced(value));
  forbid_data_access(functional);
  return functional;
}

at::Tensor Tracer::add_input(std::string name, TensorMeta meta) {
  if (meta.device.is_cuda()) allow_naming_cuda();
  meta.device = with_index(meta.device);
  add_axes(symbol_axes_, name, meta);
  const Value* value = program()->add_input(GraphInput::Kind::kUser, std::move(meta), std::move(name));
  return user_inputs_.emplace_back(make_functional(*value), value).tensor;
}

void Tracer::add_literal_input(std::string name) {
  program()->add_input(GraphInput::Kind::kUser, std::nullopt, std::move(name));
}

void Tracer::enter_module(std::string path, std::string type) {
  const int32_t parent = module_stack_.empty() ? -1 : module_stack_.back();
  module_stack_.push_back(graph()->add_module_frame({std::move(path), std::move(type), parent}));
}

void Tracer::exit_module() { module_stack_.pop_back(); }

Location Tracer::location() const {
  const int32_t module = module_stack_.empty() ? -1 : module_stack_.back();
  return replayed_ == nullptr ? Location{capture_stack(), module} : Location{nullptr, module, replayed_};
}

void Tracer::rethrow_with_location(const c10::OperatorHandle& op) {
  errors_.rethrow(op, [this] { return describe(location(), *graph()); });
}

void Tracer::note_refusal(const c10::OperatorHandle& op, const c10::Error& error) {
  errors_.note_refusal(op, error, [this] { return describe(location(), *graph()); });
}

const Value& Tracer::current_value(const at::Tensor& functional) {
  functionalization::impl::sync(functional);
  const at::Tensor inner = functionalization::impl::from_functional_tensor(functional);
  const TracedTensor* traced = as_traced(inner);
  if (traced == nullptr) throw Error("a functional tensor that no trace of ours made takes part in the call");
  if (traced->graph() != graph()) throw_of_another_graph(*traced->graph());
  return traced->value();
}

void Tracer::throw_of_another_graph(const Graph& other) const {
  if (&other.shapes() == &shapes()) {
    throw UnsupportedOperator(
        "a tensor that was computed inside of a branch or loop body of control flow is used outside of it; return it "
        "from there");
  }
  throw Error("a tensor of another trace has leaked into this one: a module, a global or a cache kept it");
}

Argument Tracer::to_argument(const c10::IValue& value) {
  if (value.isGenerator()) {
    throw UnsupportedOperator(
        "draws from a torch.Generator, which can't be part of a program; draw from the default one "
        "(leave `generator` out), or take the random tensor as an argument of forward");
  }
  if (value.isObject()) {
    throw UnsupportedOperator("takes an object of " + value.toObjectRef().type()->str() +
                              ", a class of TorchScript, which can't be part of a program; hand its tensors to the "
                              "operator instead");
  }
  const auto to_value = [this](const at::Tensor& tensor) -> const Value* {
    if (!tensor.defined()) return nullptr;
    const at::Tensor lifted = as_traced(tensor) != nullptr ? tensor : lift(tensor);
    const TracedTensor* traced = as_traced(lifted);
    if (traced == nullptr) return &current_value(lifted);
    if (traced->graph() != graph()) throw_of_another_graph(*traced->graph());
    return &traced->value();
  };
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined()) return c10::IValue();
    if (tensor.unsafeGetTensorImpl()->is_wrapped_number() && as_traced(tensor) == nullptr) return number_of(tensor);
    return to_value(tensor);
  }
  if (value.isTensorList()) {
    std::vector<const Value*> values;
    for (const at::Tensor& tensor : value.toTensorVector()) values.push_back(to_value(tensor));
    return values;
  }
  if (value.isOptionalTensorList()) {
    std::vector<const Value*> values;
    for (const std::optional<at::Tensor> tensor : value.toOptionalTensorList()) {
      values.push_back(tensor ? to_value(*tensor) : nullptr);
    }
    return values;
  }
  return own_number(value);
}

c10::IValue Tracer::own_number(const c10::IValue& value) const {
  if (hooks_.unwrapped == nullptr) return value;
  if (value.isSymFloat() && value.toSymFloat().is_symbolic()) {
    return c10::SymFloat(hooks_.unwrapped(value.toSymFloat().toSymNodeImpl()));
  }
  if (value.isSymBool() && value.toSymBool().is_heap_allocated()) {
    return c10::SymBool(hooks_.unwrapped(value.toSymBool().toSymNodeImpl()));
  }
  return value;
}

c10::IValue Tracer::number_of(const at::Tensor& wrapped_number) const {
  if (hooks_.symbolic_number != nullptr) {
    if (const auto symbolic = hooks_.symbolic_number(wrapped_number)) return own_number(*symbolic);
  }
  const ExcludeTracingGuard guard;
  return wrapped_number.item();
}

namespace {

/// The node that finds the places of the same mask already, so that whatever is selected by it has one size.
const Node* same_nonzero(const Graph& graph, const c10::OperatorHandle& op, std::span<const Argument> arguments) {
  if (op.operator_name().name != "aten::nonzero") return nullptr;
  const Value* mask = std::get<const Value*>(arguments[0]);
  for (auto node = graph.nodes().rbegin(); node != graph.nodes().rend(); ++node) {
    if (&*node == mask->producer()) return nullptr;
    if (node->op() == op && std::get<const Value*>(node->arguments()[0]) == mask) return &*node;
  }
  return nullptr;
}

}  // namespace

std::vector<c10::IValue> Tracer::record(const c10::OperatorHandle& op, std::vector<Argument> arguments) {
  if (const Node* known = same_nonzero(*graph(), op, arguments)) return results_of(*known);
  std::vector<OutputMeta> outputs = infer(Call(op, arguments));
  return results_of(graph()->add_node(op, std::move(arguments), std::move(outputs), location()));
}

std::vector<c10::IValue> Tracer::results_of(const Node& node) const {
  std::vector<c10::IValue> results;
  auto value = node.outputs().begin();
  const auto next = [&] {
    const Value* output = *value++;
    if (output == nullptr) return c10::IValue(at::Tensor());
    if (output->is_tensor()) return c10::IValue(make_traced(*output));
    const c10::IValue& number = output->scalar();
    if (!number.isSymFloat() || hooks_.wrapped == nullptr) return number;
    return c10::IValue(c10::SymFloat(hooks_.wrapped(number.toSymFloat().toSymNodeImpl())));
  };
  for (const std::optional<size_t>& count : node.returns()) {
    if (!count) {
      results.push_back(next());
      continue;
    }
    std::vector<at::Tensor> list;
    for (size_t i = 0; i < *count; ++i) list.push_back(next().toTensor());
    results.emplace_back(std::move(list));
  }
  return results;
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

void Tracer::add_output(c10::IValue output) {
  const symbolic::AskedBy asked(symbolic::Asker::kPyTorch);
  if (output.isTensor()) {
    const at::Tensor lifted = lift(output.toTensor());
    const Value& value = current_value(lifted);
    results_.push_back({GraphOutput::Kind::kUser, &value, {}, 0});
    return;
  }
  c10::IValue number = own_number(output);
  const Value* scalar = find_scalar(*program(), number);
  results_.push_back({GraphOutput::Kind::kUser, scalar, scalar == nullptr ? std::move(number) : c10::IValue(), 0});
}

void Tracer::rebind_buffer(const at::Tensor& buffer, const at::Tensor& replacement) {
  const Value* target = find_announced(buffer);
  const symbolic::AskedBy asked(symbolic::Asker::kPyTorch);
  if (target == nullptr) throw Error("only a buffer that was announced can be bound to another tensor");
  rebound_.emplace_back(target, &current_value(lift(replacement)));
}

void Tracer::take_effects() {
  const symbolic::AskedBy asked(symbolic::Asker::kPyTorch);
  program()->order_inputs();
  add_mutations();
  for (GraphOutput& result : results_) program()->add_output(std::move(result));
}

std::shared_ptr<Graph> Tracer::finish(const symbolic::DiagnosisOptions& options) {
  take_effects();
  end();
  diagnosis_ = symbolic::diagnose(shapes(), options);
  std::erase_if(diagnosis_.assertions,
                [&](const auto& assertion) { return guards_of_indices_.contains(assertion.guard); });
  add_assertions(*program(), diagnosis_, symbol_axes_);
  run_pass(kEliminateDeadNodes, *program(), options_.check_rules);
  return program();
}

}  // namespace tracejet
