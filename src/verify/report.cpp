#include <algorithm>
#include <sstream>

#include "tracejet/verify.h"

namespace tracejet {

namespace {

std::string run_in_words(const VerifiedRun& run) {
  std::string text = run.name;
  for (size_t i = 0; i < run.dimensions.size(); ++i) {
    text += (i == 0 ? " (" : ", ") + run.dimensions[i].first + "=" + std::to_string(run.dimensions[i].second);
  }
  return text + (run.dimensions.empty() ? "" : ")");
}

std::string error_in_words(double error) {
  std::ostringstream out;
  out.precision(2);
  out << error;
  return out.str();
}

void print_output(std::ostream& out, const VerifiedOutput& output) {
  out << output.name << (output.is_equal ? "" : " DIFFERS") << ", largest error "
      << error_in_words(output.absolute_error) << ", relative " << error_in_words(output.relative_error);
  if (!output.is_equal) out << ", " << output.problem;
}

/// Each of what differs, then what is equal: in one where it is much.
void print_outputs(std::ostream& out, std::vector<VerifiedOutput> outputs) {
  const auto equal = std::ranges::stable_partition(outputs, [](const auto& output) { return !output.is_equal; });
  if (equal.size() > 3) {
    VerifiedOutput all{std::to_string(equal.size()) + " outputs"};
    for (const VerifiedOutput& output : equal) {
      all.absolute_error = std::max(all.absolute_error, output.absolute_error);
      all.relative_error = std::max(all.relative_error, output.relative_error);
    }
    outputs.erase(equal.begin(), equal.end());
    outputs.push_back(std::move(all));
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (i != 0) out << "; ";
    print_output(out, outputs[i]);
  }
}

void print_run(std::ostream& out, const VerifiedRun& run) {
  out << "\n  " << run_in_words(run) << ": ";
  if (!run.failure.empty()) {
    out << run.failure;
    return;
  }
  if (run.outputs.empty()) out << "it gives nothing that could be compared";
  print_outputs(out, run.outputs);
  if (run.amplifies_rounding) {
    out << "\n    It counts as right: each call alone gives what eager's kernel gives, and the program amplifies "
           "rounding";
  }
}

}  // namespace

std::string DifferingCall::str() const {
  if (op.empty()) return "  " + problem;
  return "  first in " + op + ", which gives " + value + (where.empty() ? "" : "\n" + where) + "\n  " + problem;
}

bool VerifiedRun::ok() const {
  return failure.empty() && (amplifies_rounding || std::ranges::all_of(outputs, &VerifiedOutput::is_equal));
}

bool Verification::ok() const { return std::ranges::all_of(runs, &VerifiedRun::ok); }

std::string Verification::str() const {
  std::ostringstream out;
  const auto wrong = std::ranges::find_if_not(runs, &VerifiedRun::ok);
  if (wrong == runs.end()) {
    out << engine << " gives what eager's kernels give:";
  } else {
    out << engine << " doesn't give what eager's kernels give, at " << run_in_words(*wrong) << ':';
    if (first) out << '\n' << first->str();
  }
  for (const VerifiedRun& run : runs) print_run(out, run);
  return out.str();
}

}  // namespace tracejet
