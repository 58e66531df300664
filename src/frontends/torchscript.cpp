// Traces TorchScript modules.
#include <algorithm>

#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "frontends/cpp_code.h"
#include "frontends/model_trace.h"
#include "frontends/torchscript_interpreter.h"
#include "frontends/torchscript_numbers.h"
#include <tracejet/torchscript.h>

namespace tracejet {

namespace {

class StructureResults final : public Results {
 public:
  explicit StructureResults(std::string structure) : structure_(std::move(structure)) {}
  bool is_like(const Results& other) const override {
    return structure_ == static_cast<const StructureResults&>(other).structure_;
  }

 private:
  std::string structure_;
};

/// Hands the leaves of a result to the tracer, and gives its structure as text.
std::string add_outputs(Tracer& tracer, const c10::IValue& result) {
  const auto add_items = [&](const auto& items, const char* begin, const char* end) {
    std::string text = begin;
    for (const c10::IValue& item : items) text += add_outputs(tracer, item) + ", ";
    return text + end;
  };
  if (result.isTuple()) return add_items(result.toTupleRef().elements(), "(", ")");
  if (result.isList()) return add_items(result.toListRef(), "[", "]");
  if (result.isGenericDict()) {
    std::string text = "{";
    for (const auto& entry : result.toGenericDict()) {
      text += c10::str(entry.key()) + ": " + add_outputs(tracer, entry.value()) + ", ";
    }
    return text + "}";
  }
  if (result.isObject()) {
    throw InvalidInput(
        "forward returns an object of " + result.type()->str() +
        ", which can't be a program's result; return tensors, numbers, or tuples, lists and dicts of them");
  }
  tracer.signature().add_output(result);
  return result.isTensor() || torchscript::is_symbolic(result) ? "value" : c10::str(result);
}

class ScriptFrontend final : public Frontend {
 public:
  explicit ScriptFrontend(const torch::jit::Module& module) : module_(module) {}

  void run(ModelTrace& trace) override {
    Tracer& tracer = trace.tracer();
    for (const auto& each : module_.named_parameters()) tracer.state().add_parameter(each.name, each.value);
    for (const auto& each : module_.named_buffers())
      tracer.state().add_buffer(each.name, each.value, /*persistent=*/true);
    const std::vector<at::Tensor> inputs = trace.add_inputs();
    const at::NoGradGuard no_grad;
    try {
      trace.record([&] {
        tracer.locations().enter_module("", module_.type()->name()->qualifiedName());
        torchscript::SetAttributes set;
        torchscript::Interpreter interpreter(tracer, module_, set);
        const c10::IValue result = interpreter.run("forward", {inputs.begin(), inputs.end()});
        interpreter.finish();
        tracer.locations().exit_module();
        return std::make_unique<StructureResults>(add_outputs(tracer, result));
      });
    } catch (const c10::Error& error) {
      rethrow_of_code(error, tracer);
    }
  }

 private:
  const torch::jit::Module& module_;
};

void check_inputs(const torch::jit::Module& module, size_t count) {
  const auto& arguments = module.get_method("forward").function().getSchema().arguments();
  const size_t most = arguments.size() - 1;  // without the module itself
  const auto needed = static_cast<size_t>(
      std::count_if(arguments.begin() + 1, arguments.end(), [](const c10::Argument& a) { return !a.default_value(); }));
  if (count < needed || count > most) {
    throw InvalidInput("forward takes " + std::to_string(needed) +
                       (most == needed ? "" : " to " + std::to_string(most)) + " inputs, got " + std::to_string(count));
  }
  for (size_t i = 1; i <= count; ++i) {
    if (c10::TensorType::get()->isSubtypeOf(*arguments[i].type())) continue;
    throw InvalidInput("forward takes a " + arguments[i].type()->repr_str() + " as " + arguments[i].name() +
                       ", which no Input stands for; expected a Tensor");
  }
}

}  // namespace

Program trace(const torch::jit::Module& module, const std::vector<Input>& inputs, const TraceOptions& options) {
  check_inputs(module, inputs.size());
  ScriptFrontend frontend(module);
  return trace_code(frontend, inputs, options);
}

Report diagnose(const torch::jit::Module& module, const std::vector<Input>& inputs, const TraceOptions& options) {
  check_inputs(module, inputs.size());
  ScriptFrontend frontend(module);
  return diagnose_code(frontend, inputs, options);
}

}  // namespace tracejet
