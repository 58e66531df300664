// Puts a diagnosis into words: the axes, the lines, and what to do.
#include "report/shape_report.h"

#include <algorithm>
#include <iterator>

#include "ir/model_line.h"
#include "report/words.h"
#include "symbolic/context.h"

namespace tracejet {

namespace {

using symbolic::Problem;
using symbolic::Range;
using symbolic::Symbol;
using symbolic::Verdict;

std::string name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kProven:
      return "proven";
    case Verdict::kGeneral:
      return "general";
    case Verdict::kAsserted:
      return "asserted";
    case Verdict::kViolation:
      return "violation";
  }
  return {};
}

std::string name_of(Problem::Kind kind) {
  switch (kind) {
    case Problem::Kind::kFixedSize:
      return "fixed_size";
    case Problem::Kind::kEqualSizes:
      return "equal_sizes";
    case Problem::Kind::kNarrowerRange:
      return "narrower_range";
    case Problem::Kind::kRelation:
      return "relation";
    case Problem::Kind::kSizeBranch:
      return "size_branch";
  }
  return {};
}

class Reporter {
 public:
  Reporter(const Graph& graph, const SymbolAxes& axes) : graph_(graph), axes_(axes) {}

  ShapeProblem problem(const Problem& found) const {
    ShapeProblem problem{name_of(found.kind), in_words(found.condition, axes_), {}, {}, {}, {}};
    for (const Symbol& symbol : found.symbols) {
      const auto axes = axes_of(symbol);
      problem.axes.insert(problem.axes.end(), axes.begin(), axes.end());
    }
    problem.forces = forces(found);
    problem.fix = fix(found);
    for (const size_t guard : found.guards) {
      for (ModelLine& line : lines(guard)) problem.lines.push_back(std::move(line));
    }
    return problem;
  }

  std::vector<ModelLine> lines(size_t guard) const {
    std::vector<ModelLine> lines;
    for (const Location& where : graph_.shapes().guards()[guard].where) {
      ModelLine line = line_of(where, graph_);
      const bool is_new = std::ranges::none_of(lines, [&](const ModelLine& known) {
        return known.file == line.file && known.line == line.line && known.module_path == line.module_path;
      });
      if (is_new) lines.push_back(std::move(line));
    }
    return lines;
  }

  std::string condition(size_t guard) const { return in_words(graph_.shapes().guards()[guard].condition, axes_); }

 private:
  std::vector<std::string> axes_of(const Symbol& symbol) const {
    const auto found = axes_.find(symbol.name);
    return found == axes_.end() ? std::vector{symbol.name} : found->second;
  }

  std::string all_axes(const Symbol& symbol) const { return joined_words(axes_of(symbol), ", "); }
  std::string declared(const Symbol& symbol) const {
    return all_axes(symbol) + ", declared as " + in_words(symbol.range) + ",";
  }

  std::string every(const std::vector<Symbol>& symbols, const std::string& separator) const {
    std::vector<std::string> words;
    for (const Symbol& symbol : symbols) words.push_back(all_axes(symbol));
    return joined_words(words, separator);
  }

  std::string forces(const Problem& found) const {
    const Symbol& first = found.symbols.front();
    switch (found.kind) {
      case Problem::Kind::kFixedSize:
        return declared(first) + " must be " + std::to_string(found.range.min);
      case Problem::Kind::kEqualSizes:
        return every(found.symbols, " and ") + " must be equal";
      case Problem::Kind::kNarrowerRange:
        return declared(first) + " must be " + in_words(found.range);
      case Problem::Kind::kRelation:
        return in_words(found.condition, axes_) + " must hold, but the declared ranges allow other sizes";
      case Problem::Kind::kSizeBranch:
        return declared(first) + " takes another way through the model outside of " + in_words(found.range) + " (" +
               in_words(found.condition, axes_) + " was traced)";
    }
    return {};
  }

  std::string fix(const Problem& found) const {
    const Symbol& first = found.symbols.front();
    switch (found.kind) {
      case Problem::Kind::kFixedSize:
        return "make " + all_axes(first) + " static with size " + std::to_string(found.range.min) +
               ", or change the line so that it works with any size";
      case Problem::Kind::kEqualSizes:
        return "join " + every(found.symbols, " and ") + " with shared_dims";
      case Problem::Kind::kNarrowerRange:
        return "declare " + all_axes(first) + " as " + in_words(found.range);
      case Problem::Kind::kRelation:
        return "leave prefer_deferred_runtime_asserts_over_guards on, and the program checks it when it runs; or "
               "make " +
               every(found.symbols, ", ") + " static";
      case Problem::Kind::kSizeBranch:
        return "declare " + all_axes(first) + " as " + in_words(found.range) +
               ", and trace a program of its own for other sizes";
    }
    return {};
  }

  const Graph& graph_;
  const SymbolAxes& axes_;
};

std::string in_words(const std::vector<ShapeProblem>& problems) {
  std::string text = problems.size() == 1
                         ? "a size can't vary as declared (a dynamic dimension is specialized, or constrained):"
                         : std::to_string(problems.size()) +
                               " things keep sizes from varying as declared (dynamic dimensions are specialized, or "
                               "constrained):";
  for (size_t i = 0; i < problems.size(); ++i) {
    text += "\n  " + std::to_string(i + 1) + ". " + problems[i].forces;
    for (const ModelLine& line : problems[i].lines) {
      if (const std::string code = line.code(); !code.empty()) text += "\n     " + code;
      if (const std::string module = line.module(); !module.empty()) text += "\n       in " + module;
    }
    text += "\n     To fix it, " + problems[i].fix + ".";
  }
  return text;
}

}  // namespace

Report report_shapes(const Graph& graph, const symbolic::Diagnosis& diagnosis, const SymbolAxes& axes) {
  const Reporter reporter(graph, axes);
  Report report;
  for (const Problem& problem : diagnosis.problems) report.problems.push_back(reporter.problem(problem));
  for (size_t guard = 0; guard < diagnosis.verdicts.size(); ++guard) {
    report.guards.push_back({reporter.condition(guard), name_of(diagnosis.verdicts[guard]), reporter.lines(guard)});
  }
  return report;
}

std::string Report::str() const {
  if (ok()) return "every size can vary as declared";
  std::vector<ShapeProblem> of_sizes;
  std::ranges::copy_if(problems, std::back_inserter(of_sizes), [](const auto& each) { return each.kind != "error"; });
  const std::string text = of_sizes.empty() ? "" : in_words(of_sizes);
  const std::string ended = error.empty() ? "" : "the trace ended with " + error;
  return text + (text.empty() || ended.empty() ? "" : "\n") + ended;
}

}  // namespace tracejet
