// Traces of Python's modules: the frontend is an object of tracejet.frontend.module_frontend.ModuleFrontend.
#include "frontends/session.h"

#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include "bindings/inputs.h"
#include "bindings/tracer_hooks.h"

namespace tracejet {

namespace py = pybind11;

namespace {

/// What Python keeps of the results of a run: an object that says by `gives_like(other)` whether it is like another.
class PythonResults final : public Results {
 public:
  explicit PythonResults(py::object object) : object_(std::move(object)) {}
  const py::object& object() const { return object_; }
  bool is_like(const Results& other) const override {
    return object_.attr("gives_like")(static_cast<const PythonResults&>(other).object_).cast<bool>();
  }

 private:
  py::object object_;
};

class PythonFrontend final : public Frontend {
 public:
  explicit PythonFrontend(py::object model) : model_(std::move(model)) {}

  FrontendHooks hooks() const override { return python::tracer_hooks(); }
  void run(ModelTrace& trace) override { model_.attr("run")(trace.shared_from_this()); }
  bool rewrite_calls() override { return model_.attr("rewrite_calls")().cast<bool>(); }
  void undo_rewrite() override { model_.attr("undo_rewrite")(); }
  bool asks_for_texts() const override { return model_.attr("asks_for_texts").cast<bool>(); }
  bool vary_texts() override { return model_.attr("vary_texts")().cast<bool>(); }
  void fix_texts() override { model_.attr("fix_texts")(); }

  Failure kind_of(const std::exception_ptr& error) const override {
    try {
      std::rethrow_exception(error);
    } catch (const py::error_already_set& raised) {
      return kind_of(raised);
    } catch (...) {
      return Frontend::kind_of(error);
    }
  }

 private:
  static Failure kind_of(const py::error_already_set& raised) {
    const py::module_ own = py::module_::import("tracejet._C");
    const auto is = [&](const char* name) { return raised.matches(own.attr(name)); };
    if (is("DataDependent")) return Failure::kDataDependent;
    if (is("UnsupportedOperator")) return Failure::kUnsupported;
    if (is("ShapeError")) return Failure::kShape;
    if (is("Error")) return Failure::kOurs;
    if (raised.matches(PyExc_RuntimeError)) return Failure::kOfPyTorch;
    return raised.matches(PyExc_Exception) ? Failure::kOfModel : Failure::kInterrupted;
  }

  py::object model_;
};

std::vector<ModelInput> to_model_inputs(const py::list& leaves) {
  std::vector<ModelInput> inputs;
  for (const py::handle leaf : leaves) inputs.push_back(python::to_model_input(leaf));
  return inputs;
}

/// A session and its frontend.
class PythonSession {
 public:
  PythonSession(py::object model, const py::list& leaves, TraceSettings settings)
      : frontend_(std::move(model)), session_(frontend_, to_model_inputs(leaves), std::move(settings)) {}

  Session& session() { return session_; }
  py::object results() const { return static_cast<const PythonResults&>(session_.trace().results()).object(); }

 private:
  PythonFrontend frontend_;
  Session session_;
};

void record(ModelTrace& trace, const py::function& forward) {
  trace.record([&] { return std::make_unique<PythonResults>(forward()); });
}

}  // namespace

void bind_session(py::module_& module) {
  py::class_<ModelTrace, std::shared_ptr<ModelTrace>>(module, "ModelTrace", "One run of a model under a tracer.")
      .def_property_readonly("tracer", py::overload_cast<>(&ModelTrace::tracer),
                             py::return_value_policy::reference_internal)
      .def_property_readonly(
          "has_known_sizes", [](const ModelTrace& self) { return !self.variation().sizes.empty(); },
          "Whether dynamic sizes are numbers, for it is compared with a trace for all sizes.")
      .def("add_inputs", &ModelTrace::add_inputs, "What forward is to be called with; None where it is a literal.")
      .def("record", &record, py::arg("forward"),
           "Listens while `forward` runs, whose result says by gives_like() "
           "whether it is like another trace's.");
  py::class_<PythonSession>(module, "Session", "One call of `trace` or `diagnose`.")
      .def(py::init([](py::object model, const py::list& inputs, DecompositionTable decompositions, bool asserts,
                       std::optional<c10::Device> device, bool check_rules) {
             return std::make_unique<PythonSession>(std::move(model), inputs,
                                                    TraceSettings{.decompositions = std::move(decompositions),
                                                                  .asserts_relations = asserts,
                                                                  .device = device,
                                                                  .check_rules = check_rules});
           }),
           py::arg("model"), py::arg("inputs"), py::kw_only(), py::arg("decompositions"),
           py::arg("prefer_deferred_runtime_asserts_over_guards"), py::arg("device"), py::arg("check_rules"))
      .def(
          "run", [](PythonSession& self) { self.session().run(); }, "Traces. Raises what ended the trace.")
      .def_property_readonly("graph", [](PythonSession& self) { return self.session().trace().graph(); })
      .def_property_readonly("results", &PythonSession::results, "What the run that `graph` is of gave to record().")
      .def_property_readonly(
          "tracer", [](PythonSession& self) { return &self.session().trace().tracer(); },
          py::return_value_policy::reference_internal)
      .def(
          "is_violated", [](PythonSession& self) { return self.session().is_violated(); },
          "Whether something keeps sizes from varying as declared.")
      .def(
          "report", [](PythonSession& self, const std::string& error) { return self.session().report(error); },
          py::arg("error") = "", "Everything that was assumed of sizes. error: what run() has raised, in words.");
}

}  // namespace tracejet
