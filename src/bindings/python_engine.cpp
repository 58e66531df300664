#include "bindings/python_engine.h"

#include "base/error.h"
#include "bindings/adapter_engine.h"
#include "bindings/held_object.h"
#include "bindings/value_objects.h"
#include "engines/output_check.h"

namespace tracejet::python {

namespace {

class PythonExecutable final : public Executable {
 public:
  PythonExecutable(std::string engine, std::shared_ptr<const Graph> graph, py::object run)
      : engine_(std::move(engine)), graph_(std::move(graph)), run_(held(std::move(run))) {
    for (const GraphOutput& output : graph_->outputs()) {
      if (is_computed(output)) outputs_.push_back(&output);
    }
  }

  std::vector<c10::IValue> run(std::vector<at::Tensor> inputs, const RuntimeSizes& sizes) const override {
    const py::gil_scoped_acquire gil;
    py::tuple arguments(inputs.size());
    for (size_t i = 0; i < inputs.size(); ++i) arguments[i] = to_python(inputs[i]);
    const py::tuple given = in_tuple((*run_)(*arguments));
    std::vector<c10::IValue> values;
    for (size_t i = 0; i < outputs_.size(); ++i) values.push_back(checked(given[i], i, sizes));
    return values;
  }

  std::optional<std::string> serialize() const override {
    const py::gil_scoped_acquire gil;
    const py::object serialize = py::getattr(*run_, "serialize", py::none());
    const py::object bytes = serialize.is_none() ? py::none() : serialize();
    if (bytes.is_none()) return std::nullopt;
    if (!py::isinstance<py::bytes>(bytes)) {
      throw InvalidInput(engine_ + ": serialize() has to give bytes, got " + py::repr(bytes).cast<std::string>(),
                         ErrorCode::kEngineDefinition);
    }
    return bytes.cast<std::string>();
  }

 private:
  py::tuple in_tuple(const py::object& given) const {
    const bool are_several = py::isinstance<py::tuple>(given) || py::isinstance<py::list>(given);
    py::tuple values = are_several ? py::tuple(given) : py::make_tuple(given);
    if (values.size() == outputs_.size()) return values;
    throw Error(engine_ + " gave " + std::to_string(values.size()) + " values, but this program has " +
                    std::to_string(outputs_.size()) + " outputs",
                ErrorCode::kEngineFailure);
  }

  [[noreturn]] void refuse(size_t output, const std::string& got, const std::string& expected) const {
    throw Error(
        engine_ + " gave output " + std::to_string(output) + " of this program as " + got + ", but it is " + expected,
        ErrorCode::kEngineFailure);
  }

  c10::IValue checked(py::handle given, size_t output, const RuntimeSizes& sizes) const {
    c10::IValue value = from_python(given);
    const auto type = py::str(py::type::of(given).attr("__name__")).cast<std::string>();
    const Value* expected = outputs_[output]->value;
    if (expected == nullptr) return number(std::move(value), outputs_[output]->literal, output, type);
    if (!expected->is_tensor()) return number(std::move(value), expected->scalar(), output, type);
    const TensorMeta& meta = expected->tensor();
    if (!value.isTensor()) refuse(output, type, meta.str());
    const at::Tensor tensor = value.toTensor().detach();
    if (tensor.scalar_type() != meta.dtype || tensor.device() != meta.device || tensor.layout() != at::kStrided) {
      refuse(output, std::string(c10::toString(tensor.scalar_type())) + " on " + tensor.device().str(),
             meta.str() + " on " + meta.device.str());
    }
    check_output_shape(engine_, output, tensor.sizes(), meta, sizes);
    return tensor;
  }

  c10::IValue number(c10::IValue value, const c10::IValue& declared, size_t output, const std::string& type) const {
    if (value.isTensor() && value.toTensor().numel() == 1) value = value.toTensor().item();
    if (declared.isSymBool()) {
      if (!value.isBool()) refuse(output, type, "a boolean");
      return value;
    }
    if (declared.isSymInt()) {
      if (!value.isInt()) refuse(output, type, "an integer");
      return value;
    }
    if (value.isInt()) return static_cast<double>(value.toInt());
    if (!value.isDouble()) refuse(output, type, "a float");
    return value;
  }

  std::string engine_;
  std::shared_ptr<const Graph> graph_;
  std::vector<const GraphOutput*> outputs_;
  std::shared_ptr<const py::object> run_;
};

class PythonEngine final : public AdapterEngine {
 public:
  using AdapterEngine::AdapterEngine;

  std::vector<Unsupported> find_unsupported(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                            const CompileSettings&) const override {
    const py::gil_scoped_acquire gil;
    return refused_in(view_of(graph, inputs));
  }

  std::unique_ptr<Executable> compile(const std::shared_ptr<const Graph>& graph, const RuntimeInputs& inputs,
                                      const CompileSettings& settings) const override {
    const py::gil_scoped_acquire gil;
    const py::object view = view_of(graph, inputs);
    const std::vector<Unsupported> refused = refused_in(view);
    if (!refused.empty()) throw RefusedNodes(*graph, refused, name());
    return std::make_unique<PythonExecutable>(name(), graph, adapter().attr("compile")(view, settings));
  }

  bool can_load() const override {
    const py::gil_scoped_acquire gil;
    return adapter().attr("can_load")().cast<bool>();
  }

  std::unique_ptr<Executable> load(const SharedBytes& serialized, const std::shared_ptr<const Graph>& graph,
                                   const RuntimeInputs& inputs, const CompileSettings& settings) const override {
    const py::gil_scoped_acquire gil;
    const py::bytes bytes(serialized.view().data(), serialized.size());
    return std::make_unique<PythonExecutable>(name(), graph,
                                              adapter().attr("load")(view_of(graph, inputs), bytes, settings));
  }

 private:
  std::vector<Unsupported> refused_in(const py::object& view) const {
    return refusals(adapter().attr("find_unsupported")(view));
  }
};

}  // namespace

std::shared_ptr<const Engine> make_engine(const py::object& adapter) { return std::make_shared<PythonEngine>(adapter); }

std::unique_ptr<Executable> make_executable(std::string engine, std::shared_ptr<const Graph> graph, py::object run) {
  return std::make_unique<PythonExecutable>(std::move(engine), std::move(graph), std::move(run));
}

}  // namespace tracejet::python
