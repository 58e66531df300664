// Traces of Python's modules, as frontends/model_trace.h sees them: objects of tracejet.frontend.capture.Capture.
#include "frontends/model_trace.h"

#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include "ir/analysis/equivalence.h"

namespace tracejet {

namespace py = pybind11;

namespace {

class PythonTrace final : public ModelTrace {
 public:
  explicit PythonTrace(py::object capture)
      : capture_(std::move(capture)),
        tracer_(capture_.attr("_tracer").cast<const Tracer*>()),
        answers_(capture_.attr("_answers").cast<const symbolic::ForcedBranches*>()) {
    if (py::hasattr(capture_, "graph")) graph_ = capture_.attr("graph").cast<std::shared_ptr<Graph>>();
  }

  const py::object& capture() const { return capture_; }
  const Tracer& tracer() const override { return *tracer_; }
  const symbolic::ForcedBranches& answers() const override { return *answers_; }
  bool asserts_relations() const override { return capture_.attr("asserts_relations").cast<bool>(); }
  const Graph* graph() const override { return graph_.get(); }
  Again trace_at(const std::string& dimension, int64_t size) const override {
    return again(capture_.attr("trace_at")(dimension, size));
  }
  Again trace_with(const Answers& answers) const override { return again(capture_.attr("trace_with")(answers)); }
  bool gives_like(const ModelTrace& other) const override {
    return capture_.attr("gives_like")(static_cast<const PythonTrace&>(other).capture_).cast<bool>();
  }

 private:
  static Again again(const py::object& outcome) {
    if (py::isinstance<Failure>(outcome)) return outcome.cast<Failure>();
    return std::make_shared<const PythonTrace>(outcome);
  }

  py::object capture_;
  const Tracer* tracer_;
  const symbolic::ForcedBranches* answers_;
  std::shared_ptr<Graph> graph_;
};

py::object for_all_branches(const py::object& capture, ProofBudget& budget) {
  const auto best = trace_for_all_branches(std::make_shared<const PythonTrace>(capture), budget);
  return static_cast<const PythonTrace&>(*best).capture();
}

}  // namespace

void bind_model_trace(py::module_& module) {
  py::class_<ProofBudget>(module, "ProofBudget", "How many more traces may be made for proofs.")
      .def(py::init<>())
      .def_readwrite("small_sizes", &ProofBudget::small_sizes)
      .def_readwrite("branches", &ProofBudget::branches);
  py::enum_<ModelTrace::Failure>(module, "TraceFailure")
      .value("REFUSED_BY_MODEL", ModelTrace::Failure::kRefusedByModel)
      .value("UNKNOWN", ModelTrace::Failure::kUnknown);
  py::class_<symbolic::ForcedBranches>(module, "ForcedBranches", "Which way branches on sizes go in one trace.")
      .def(py::init([](std::map<std::string, bool> given, const std::vector<std::pair<bool, bool>>& data) {
             std::vector<symbolic::ForcedBranches::DataAnswer> answers;
             for (const auto& [answer, is_asserted] : data) answers.push_back({answer, is_asserted});
             return std::make_unique<symbolic::ForcedBranches>(std::move(given), std::move(answers));
           }),
           py::arg("given"), py::arg("data"),
           "data: (answer, whether it is asserted) for each branch on data, in order.")
      .def_property_readonly("has_open_data_branch", &symbolic::ForcedBranches::has_open_data_branch)
      .def("begin", &symbolic::ForcedBranches::begin)
      .def("end", &symbolic::ForcedBranches::end);
  module.def(
      "harmless_guards",
      [](const py::object& capture, ProofBudget& budget) { return PythonTrace(capture).harmless_guards(budget); },
      py::arg("capture"), py::arg("budget"), "The guards on sizes of 0 and 1 that make no difference.");
  module.def(
      "violated_conditions",
      [](const py::object& capture, const std::unordered_set<size_t>& harmless) {
        return PythonTrace(capture).violated_conditions(harmless);
      },
      py::arg("capture"), py::arg("harmless"), "What keeps sizes from varying as declared. No lines are looked up.");
  module.def("for_all_branches", &for_all_branches, py::arg("capture"), py::arg("budget"),
             "A trace of the same model that relies on as few branches as can be shown to make no difference.");
  module.def("computes_the_same_for_data", &computes_the_same_for_data, py::arg("general"), py::arg("special"));
  module.def(
      "makes_the_same_calls", [](const Graph& a, const Graph& b) { return makes_the_same_calls(a, {}, b); },
      py::arg("graph"), py::arg("other"));
  module.def("gives_the_same_results", &gives_the_same_results, py::arg("graph"), py::arg("other"));
}

}  // namespace tracejet
