#include "capture/tracer.h"

#include <ATen/FunctionalTensorWrapper.h>
#include <c10/core/ScalarType.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include "base/error.h"
#include "capture/keys.h"
#include "capture/plain_sizes.h"
#include "capture/tensor_arguments.h"
#include "capture/traced_tensor.h"
#include "ir/model_line.h"
#include "ir/passes/dead_nodes.h"
#include "ops/refusal.h"
#include "ops/shape/shape.h"
#include "symbolic/asker.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

thread_local Tracer* current_tracer = nullptr;

// Symbols outlive the tracer, so these ask for the one at work.
Location current_location() {
  return current_tracer == nullptr ? Location{capture_stack()} : current_tracer->locations().current();
}

bool is_asserted() {
  if (current_tracer == nullptr) return false;
  const auto needed_truth = current_tracer->hooks().needed_truth;
  return needed_truth != nullptr && needed_truth() == true;
}

}  // namespace

/// The thread's dispatch state during a trace; going out of scope restores it.
struct Tracer::Activation {
  explicit Activation(Tracer* tracer)
      : include(kTracingKeys), reapply_views(true), plain_sizes(tracer->scopes_, tracer->guards_) {
    current_tracer = tracer;
  }
  ~Activation() { current_tracer = nullptr; }
  symbolic::AskedBy asked{symbolic::Asker::kCaller};
  c10::impl::IncludeDispatchKeyGuard include;
  at::functionalization::impl::FunctionalizationReapplyViewsGuard reapply_views;
  PlainSizes plain_sizes;
};

Tracer* Tracer::current() { return current_tracer; }

Tracer::Tracer(FrontendHooks hooks, TracerOptions options)
    : hooks_(hooks),
      options_(std::move(options)),
      scopes_(std::make_shared<Graph>(symbolic::Context::create(current_location, is_asserted))),
      locations_(scopes_),
      guards_(scopes_),
      state_(scopes_, hooks_),
      lifting_(scopes_, state_, hooks_, options_.shares_memory),
      inference_(scopes_, lifting_, hooks_, options_.check_rules),
      subgraphs_(scopes_, lifting_, guards_, locations_, aliases_, options_.runs_of_bodies),
      replacement_(scopes_, lifting_),
      signature_(scopes_, state_, lifting_, guards_, locations_, aliases_, hooks_, options_.shares_memory) {}

Tracer::~Tracer() { end(); }

void Tracer::begin() {
  if (current_tracer != nullptr) {
    throw Error("this thread traces a model already: a trace can't start inside another one", ErrorCode::kForeignTrace);
  }
  plans_ = plans_for(options_.decompositions);
  activation_ = std::make_unique<Activation>(this);
}

void Tracer::end() { activation_.reset(); }

PlainSizes& Tracer::plain_sizes() { return activation_->plain_sizes; }

std::shared_ptr<Graph> Tracer::finish(const symbolic::DiagnosisOptions& options) {
  signature_.finish();
  end();
  guards_.add_assertions_of_program(options);
  const std::shared_ptr<Graph>& program = scopes_.program().graph;
  run_pass(kEliminateDeadNodes, *program);
  return program;
}

Argument Tracer::to_argument(const c10::IValue& value) {
  if (value.isGenerator()) {
    throw UnsupportedOperator(
        "draws from a torch.Generator, which can't be part of a program; draw from the default one "
        "(leave `generator` out), or take the random tensor as an argument of forward",
        ErrorCode::kRandomGenerator);
  }
  if (value.isObject()) {
    throw UnsupportedOperator("takes an object of " + value.toObjectRef().type()->str() +
                                  ", a class of TorchScript, which can't be part of a program; hand its tensors to the "
                                  "operator instead",
                              ErrorCode::kTorchScript);
  }
  const auto to_value = [this](const at::Tensor& tensor) -> const Value* {
    if (!tensor.defined()) return nullptr;
    return as_traced(tensor) != nullptr ? &scopes_.current_value(tensor) : &lifting_.value_of(tensor);
  };
  if (value.isTensor()) {
    const at::Tensor& tensor = value.toTensor();
    if (!tensor.defined()) return c10::IValue();
    if (tensor.unsafeGetTensorImpl()->is_wrapped_number() && as_traced(tensor) == nullptr)
      return number_of(hooks_, tensor);
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
  return own_number(hooks_, value);
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
  return record(op, std::move(arguments), std::move(outputs));
}

std::vector<c10::IValue> Tracer::record(const c10::OperatorHandle& op, std::vector<Argument> arguments,
                                        std::vector<OutputMeta> outputs) {
  return results_of(graph()->add_node(op, std::move(arguments), std::move(outputs), locations_.current()));
}

std::vector<Argument> Tracer::arguments_of(const c10::OperatorHandle& op, const torch::jit::Stack& stack) {
  std::vector<Argument> arguments;
  arguments.reserve(op.schema().arguments().size());
  for (const c10::IValue& argument : arguments_on(stack, op)) arguments.push_back(to_argument(argument));
  return arguments;
}

void Tracer::check_in_place(const c10::OperatorHandle& values, const torch::jit::Stack& stack) {
  const std::vector<Argument> arguments = arguments_of(values, stack);
  const auto* self = std::get_if<const Value*>(&arguments.front());
  if (self == nullptr) return;
  const TensorMeta written = (*self)->tensor(),
                   given = inference_.ask_rule(Call(values, arguments), *find_operator(values)).at(0);
  const auto message = [&] {
    return std::string("writes ") + at::toString(given.dtype) + " of " + shape::text(given.sizes) +
           " to a tensor in place that is " + at::toString(written.dtype) + " of " + shape::text(written.sizes) +
           ": let it give a new tensor";
  };
  require(c10::canCast(given.dtype, written.dtype) && given.dim() == written.dim(), message);
  for (size_t axis = 0; axis < given.sizes.size(); ++axis)
    require_equal_sizes(given.sizes[axis], written.sizes[axis], message);
}

void Tracer::expand(const c10::OperatorHandle& op, const Operator& entry, torch::jit::Stack& stack) {
  // Views are made of views, which ask for themselves: only the rule of reshape(), say, wants to know if it copies.
  const bool is_view = !op.schema().returns().empty() && op.schema().returns().front().alias_info() != nullptr;
  if (entry.meta != nullptr && !is_view) inference_.ask_rule(Call(op, arguments_of(op, stack)), entry);
  entry.decompose(op, &stack);
}

std::vector<c10::IValue> Tracer::results_of(const Node& node) const {
  std::vector<c10::IValue> results;
  auto value = node.outputs().begin();
  const auto next = [&] {
    const Value* output = *value++;
    if (output == nullptr) return c10::IValue(at::Tensor());
    if (output->is_tensor()) return c10::IValue(scopes_.make_traced(*output));
    return for_language(hooks_, output->scalar());
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

}  // namespace tracejet
