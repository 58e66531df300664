#include "bindings/onnx_engine.h"

#include "base/error.h"
#include "bindings/adapter_engine.h"
#include "bindings/held_object.h"
#include "bindings/onnx_program.h"
#include "bindings/python_engine.h"
#include "engines/tensorrt/target.h"

namespace tracejet::python {

namespace {

/// What the engine compiled, and what of the sizes of inputs has to hold before it runs.
class OnnxExecutable final : public Executable {
 public:
  OnnxExecutable(const std::string& engine, const OnnxProgram& program, py::object run)
      : requirements_(program.model.requirements),
        warnings_(program.model.warnings),
        run_(held(py::object(run))),
        executable_(make_executable(engine, program.graph, std::move(run))) {}

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override {
    for (const RuntimeAssertion& requirement : requirements_) check(requirement, sizes);
    return executable_->run(std::move(inputs), sizes);
  }

  std::vector<Unsupported> warnings() const override { return warnings_; }

  std::optional<std::string> serialize() const override {
    const py::gil_scoped_acquire gil;
    return run_->attr("serialize")().cast<std::string>();
  }

 private:
  std::vector<RuntimeAssertion> requirements_;
  std::vector<Unsupported> warnings_;
  std::shared_ptr<const py::object> run_;
  std::unique_ptr<Executable> executable_;
};

class OnnxEngine final : public AdapterEngine {
 public:
  using AdapterEngine::AdapterEngine;

  bool takes_weights_from_anywhere() const override { return true; }
  bool can_load() const override { return true; }

  std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                            const CompileSettings& settings) const override {
    const auto program = lowered(graph, inputs, settings);
    return program->refused.empty() ? refused_of(program, settings) : program->refused;
  }

  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                      const CompileSettings& settings) const override {
    const auto program = lowered(graph, inputs, settings);
    if (program->refused.empty()) program->refused = refused_of(program, settings);
    if (!program->refused.empty()) throw RefusedNodes(*graph, program->refused, name());
    const py::gil_scoped_acquire gil;
    return std::make_unique<OnnxExecutable>(name(), *program, adapter().attr("compile")(program, settings));
  }

  std::unique_ptr<Executable> load(const SharedBytes& serialized, const std::shared_ptr<const Graph>& graph,
                                   const RuntimeInputs& inputs, const CompileSettings& settings) const override {
    const auto program = lowered(graph, inputs, settings);
    const py::gil_scoped_acquire gil;
    const py::bytes bytes(serialized.view().data(), serialized.size());
    const py::object run = adapter().attr("load")(bytes, program, settings);
    if (run.is_none()) throw StaleEngine(name() + " can't read this engine: it was built for something else");
    return std::make_unique<OnnxExecutable>(name(), *program, run);
  }

 private:
  static std::shared_ptr<OnnxProgram> lowered(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                              const CompileSettings& settings) {
    return std::make_shared<OnnxProgram>(graph, inputs, tensorrt::target(), settings.precision);
  }

  std::vector<Unsupported> refused_of(const std::shared_ptr<OnnxProgram>& program,
                                      const CompileSettings& settings) const {
    const py::gil_scoped_acquire gil;
    const py::object found = adapter().attr("find_unsupported")(program, settings);
    return program->sources_of(found.cast<std::vector<std::pair<size_t, std::string>>>());
  }
};

}  // namespace

std::shared_ptr<const Engine> make_onnx_engine(const py::object& adapter) {
  return std::make_shared<OnnxEngine>(adapter);
}

}  // namespace tracejet::python
