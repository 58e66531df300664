#include "capture/shape_report.h"

#include <set>

#include <torch/csrc/utils/pybind.h>

#include "bindings/bindings.h"
#include "capture/tracer.h"
#include "graph/equivalence.h"
#include "symbolic/branch_answers.h"

namespace tracejet {

namespace py = pybind11;

namespace {

/// By the name of a size: (min, max, the traced size, the name of the size that it has to equal).
py::dict corrections_of(const symbolic::Diagnosis& diagnosis) {
  py::dict corrections;
  for (const auto& [symbol, range, same_as] : diagnosis.corrections) {
    corrections[py::str(symbol.name)] =
        py::make_tuple(range.min, range.max, symbol.hint, diagnosis.corrections[same_as].symbol.name);
  }
  return corrections;
}

/// What a trace has assumed of its sizes, also where it failed on the way.
py::tuple report(const Tracer& tracer, bool asserts, std::unordered_set<size_t> harmless) {
  const auto diagnosis = symbolic::diagnose(tracer.shapes(), {asserts, std::move(harmless)});
  return py::make_tuple(report_shapes(*tracer.graph(), diagnosis, tracer.symbol_axes()), corrections_of(diagnosis));
}

/// The conditions that keep sizes from varying as declared. No lines are looked up for it, so it is cheap.
std::set<std::string> violated_conditions(const Tracer& tracer, bool asserts, std::unordered_set<size_t> harmless) {
  std::set<std::string> conditions;
  for (const symbolic::Problem& problem :
       symbolic::diagnose(tracer.shapes(), {asserts, std::move(harmless)}).problems) {
    conditions.insert(in_words(problem.condition, tracer.symbol_axes()));
  }
  return conditions;
}

/// (guard, name of the size, 0 or 1) for each small size at which the model's own code may go another way.
std::vector<std::tuple<size_t, std::string, int64_t>> small_sizes(const Graph& graph) {
  std::vector<std::tuple<size_t, std::string, int64_t>> sizes;
  for (const auto& [guard, symbol, size] : symbolic::small_sizes(graph.shapes())) {
    sizes.emplace_back(guard, symbol.name, size);
  }
  return sizes;
}

/// The branches that keep the program from holding at every declared size, or that it asserts.
std::vector<symbolic::BranchAnswers::Branch> open_branches(const Tracer& tracer, bool asserts,
                                                           const symbolic::BranchAnswers& answers) {
  std::vector<symbolic::BranchAnswers::Branch> branches;
  if (answers.guarded().empty()) return branches;
  const auto verdicts = symbolic::diagnose(tracer.shapes(), {asserts, {}}).verdicts;
  for (const auto& branch : answers.guarded()) {
    const symbolic::Verdict verdict = verdicts.at(branch.guard);
    const bool is_open = verdict == symbolic::Verdict::kAsserted || verdict == symbolic::Verdict::kViolation;
    if (is_open) branches.push_back(branch);
  }
  return branches;
}

/// Whether `general` is right where the branches go as these traces have taken them: (branch, answer).
bool is_right_where(const Graph& general, const Graph& special,
                    const std::vector<std::pair<symbolic::BranchAnswers::Branch, bool>>& ways) {
  std::vector<symbolic::Condition> conditions;
  for (const auto& [branch, answer] : ways) {
    conditions.push_back(answer ? branch.condition : logical_not(branch.condition));
  }
  return computes_the_same(general, special, conditions);
}

}  // namespace

void bind_shape_report(py::module_& module) {
  py::class_<ModelLine>(module, "ModelLine", "A line of the model that asked something of a size.")
      .def_readonly("file", &ModelLine::file)
      .def_readonly("line", &ModelLine::line)
      .def_readonly("function", &ModelLine::function)
      .def_readonly("text", &ModelLine::text)
      .def_readonly("module_path", &ModelLine::module_path)
      .def_readonly("module_type", &ModelLine::module_type);
  py::class_<ReportedGuard>(module, "ReportedGuard", "Something that was assumed of sizes, and what became of it.")
      .def_readonly("condition", &ReportedGuard::condition)
      .def_readonly("verdict", &ReportedGuard::verdict)
      .def_readonly("lines", &ReportedGuard::lines);
  py::class_<ShapeProblem>(module, "ShapeProblem", "What keeps sizes from varying as declared.")
      .def_readonly("kind", &ShapeProblem::kind)
      .def_readonly("condition", &ShapeProblem::condition)
      .def_readonly("axes", &ShapeProblem::axes)
      .def_readonly("forces", &ShapeProblem::forces)
      .def_readonly("fix", &ShapeProblem::fix)
      .def_readonly("lines", &ShapeProblem::lines);
  py::class_<ShapeReport>(module, "ShapeReport", "All that a trace has assumed of its sizes.")
      .def_readonly("problems", &ShapeReport::problems)
      .def_readonly("guards", &ShapeReport::guards)
      .def("__str__", [](const ShapeReport& self) { return describe(self.problems); });
  module.def("report_shapes", &report, py::arg("tracer"), py::arg("prefer_deferred_runtime_asserts_over_guards"),
             py::arg("harmless"), "The report of a trace, finished or not, and the sizes that it would hold for.");
  module.def("violated_conditions", &violated_conditions, py::arg("tracer"),
             py::arg("prefer_deferred_runtime_asserts_over_guards"), py::arg("harmless"));
  module.def("small_sizes", &small_sizes, py::arg("graph"));
  using Sizes = std::map<std::string, int64_t>;
  module.def("computes_the_same", py::overload_cast<const Graph&, const Sizes&, const Graph&>(&computes_the_same),
             py::arg("general"), py::arg("sizes"), py::arg("special"));
  py::class_<symbolic::BranchAnswers::Branch>(module, "Branch", "A branch of the model's code that sizes decide.")
      .def_property_readonly("condition",
                             [](const symbolic::BranchAnswers::Branch& self) { return self.condition.str(); })
      .def_readonly("answer", &symbolic::BranchAnswers::Branch::answer);
  py::class_<symbolic::BranchAnswers>(module, "BranchAnswers", "Which way such branches go in one trace.")
      .def(py::init([](std::map<std::string, bool> given, const std::vector<std::pair<bool, bool>>& data) {
             std::vector<symbolic::BranchAnswers::DataAnswer> answers;
             for (const auto& [answer, is_asserted] : data) answers.push_back({answer, is_asserted});
             return std::make_unique<symbolic::BranchAnswers>(std::move(given), std::move(answers));
           }),
           py::arg("given"), py::arg("data"),
           "data: (answer, whether it is asserted) for each branch on data, in order.")
      .def_property_readonly("has_open_data_branch", &symbolic::BranchAnswers::has_open_data_branch)
      .def("begin", &symbolic::BranchAnswers::begin)
      .def("end", &symbolic::BranchAnswers::end);
  module.def("open_branches", &open_branches, py::arg("tracer"), py::arg("prefer_deferred_runtime_asserts_over_guards"),
             py::arg("answers"));
  module.def("computes_the_same_for_data", &computes_the_same_for_data, py::arg("general"), py::arg("special"));
  module.def("is_right_where", &is_right_where, py::arg("general"), py::arg("special"), py::arg("ways"));
}

}  // namespace tracejet
