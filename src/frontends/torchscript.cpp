// Traces TorchScript modules.
#include <ATen/core/grad_mode.h>

#include "base/error.h"
#include "frontends/cpp_code.h"
#include "frontends/model_trace.h"
#include "frontends/torchscript_arguments.h"
#include "frontends/torchscript_interpreter.h"
#include "frontends/torchscript_numbers.h"
#include "ir/symbolic_constant.h"
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
            ", which can't be a program's result; return tensors, numbers, or tuples, lists and dicts of them",
        ErrorCode::kProgramResult);
  }
  tracer.signature().add_output(result);
  return result.isTensor() || is_symbolic_number(result) ? "value" : c10::str(result);
}

/// A module that was made without a type has no way to tell but to fail.
bool is_empty(const torch::jit::Module& module) {
  try {
    return module._ivalue() == nullptr;
  } catch (const c10::Error&) {
    return true;
  }
}

torch::jit::Method forward_of(const torch::jit::Module& module) {
  if (is_empty(module)) {
    throw InvalidInput("the TorchScript module is empty, and has no forward; load one, or give it a name and define it",
                       ErrorCode::kModelArguments);
  }
  if (const auto method = module.find_method("forward")) return *method;
  std::string names;
  for (const auto& each : module.get_methods()) names += (names.empty() ? "" : ", ") + each.name();
  throw InvalidInput("the TorchScript module has no forward" +
                         (names.empty() ? ", nor any other method" : "; its methods are " + names) +
                         ". Only forward is traced: write one that calls what is to be traced",
                     ErrorCode::kModelArguments);
}

class ScriptFrontend final : public Frontend {
 public:
  /// Throws InvalidInput where forward takes other arguments.
  ScriptFrontend(const torch::jit::Module& module, const ScriptCall& call, size_t input_count)
      : module_(module), call_(call) {
    arguments(std::vector<at::Tensor>(input_count));
  }

  void run(ModelTrace& trace) override {
    Tracer& tracer = trace.tracer();
    for (const auto& each : module_.named_parameters()) tracer.state().add_parameter(each.name, each.value);
    for (const auto& each : module_.named_buffers())
      tracer.state().add_buffer(each.name, each.value, /*persistent=*/true);
    const std::vector<at::Tensor> inputs = trace.add_inputs();
    const at::NoGradGuard no_grad;
    record_run(trace, [&] {
      tracer.locations().enter_module("", module_.type()->name()->qualifiedName());
      torchscript::SetAttributes set;
      torchscript::Interpreter interpreter(tracer, module_, set);
      const c10::IValue result = interpreter.run("forward", arguments(inputs));
      interpreter.finish();
      tracer.locations().exit_module();
      return std::make_unique<StructureResults>(add_outputs(tracer, result));
    });
  }

 private:
  std::vector<c10::IValue> arguments(const std::vector<at::Tensor>& inputs) const {
    return torchscript::as_declared(forward_of(module_).function().getSchema(), call_(inputs));
  }

  const torch::jit::Module& module_;
  const ScriptCall& call_;
};

ScriptCall call_with_tensors() {
  return
      [](const std::vector<at::Tensor>& tensors) { return std::vector<c10::IValue>(tensors.begin(), tensors.end()); };
}

}  // namespace

Program trace(const torch::jit::Module& module, const ScriptCall& call, const std::vector<Input>& inputs,
              const TraceOptions& options) {
  ScriptFrontend frontend(module, call, inputs.size());
  return trace_code(frontend, inputs, options);
}

Report diagnose(const torch::jit::Module& module, const ScriptCall& call, const std::vector<Input>& inputs,
                const TraceOptions& options) {
  ScriptFrontend frontend(module, call, inputs.size());
  return diagnose_code(frontend, inputs, options);
}

Program trace(const torch::jit::Module& module, const std::vector<Input>& inputs, const TraceOptions& options) {
  return trace(module, call_with_tensors(), inputs, options);
}

Report diagnose(const torch::jit::Module& module, const std::vector<Input>& inputs, const TraceOptions& options) {
  return diagnose(module, call_with_tensors(), inputs, options);
}

}  // namespace tracejet
