#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <tracejet/input.h>

namespace tracejet {

/// The line of the user's program that a trace was at, and the module that was running.
struct ModelLine {
  std::string file;  ///< Empty where no line is known, as in C++ code without debug information.
  int64_t line = 0;
  std::string function;
  std::string text;         ///< Empty where the file can't be read.
  std::string module_path;  ///< "encoder.layers.3"; empty for the model itself.
  std::string module_type;  ///< Empty where no module was running.

  /// "model.py:41 in forward: y = torch.cat([a, b, c], 1)"; empty where no line is known.
  std::string code() const;
  /// "encoder.layers.3 (Block)"; empty where no module was running.
  std::string module() const;
};

/// Something that was assumed of sizes, and what became of it.
struct ReportedGuard {
  std::string condition;
  /// "proven" (it holds at every declared size), "general" (PyTorch's general way, which was traced, is right at sizes
  /// 0 and 1 too), "asserted" (the program checks it when it runs) or "violation".
  std::string verdict;
  std::vector<ModelLine> lines;
};

/// A thing that keeps sizes from varying as declared, or that ended the trace.
struct ShapeProblem {
  /// "fixed_size", "equal_sizes", "narrower_range", "relation" (only where relations aren't asserted), "size_branch"
  /// (the model goes another way at a size of 0 or 1), or "error" (the trace ended there).
  std::string kind;
  std::string condition;          ///< what the model asked for: "x[1] == 12"
  std::vector<std::string> axes;  ///< of the inputs: "x[1]"
  std::string forces;             ///< what follows for the axes: "x[1], declared as 1 to 64, must be 12"
  std::string fix;                ///< the edit that fixes it: "make x[1] static with size 12"
  std::vector<ModelLine> lines;
};

/// How a dynamic dimension would have to be declared.
struct SuggestedDimension {
  int64_t min = 0;
  int64_t opt = 0;
  int64_t max = 0;
  int64_t traced = 0;      ///< the size that was traced, at which every guard holds
  std::string same_as;     ///< the dimension that it has to equal; its own name where there is none
  bool is_joined = false;  ///< whether there is another dimension that has to equal it, or that it has to equal
};

/// Everything that a trace found out about the sizes of its inputs.
struct Report {
  std::vector<ShapeProblem> problems;
  std::vector<ReportedGuard> guards;
  std::map<std::string, SuggestedDimension> suggested_dimensions;  ///< by the names of all dynamic dimensions
  /// The inputs as they would have to be declared for the trace to succeed: ranges narrowed, axes static or joined
  /// where a problem asks for it, everything else as it was.
  std::vector<Input> suggested_inputs;
  std::string error;  ///< what ended the trace before its time: "ShapeError: …"

  /// Whether the trace holds at every size that was declared.
  bool ok() const { return problems.empty(); }
  /// For people.
  std::string str() const;
};

}  // namespace tracejet
