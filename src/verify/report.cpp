#include <algorithm>
#include <sstream>

#include "tracejet/verify.h"

namespace tracejet {

namespace {

std::string text_of(const VerifiedRun& run) {
  std::string text = run.name;
  for (size_t i = 0; i < run.dimensions.size(); ++i) {
    text += (i == 0 ? " (" : ", ") + run.dimensions[i].first + "=" + std::to_string(run.dimensions[i].second);
  }
  return text + (run.dimensions.empty() ? "" : ")");
}

std::string text_of(double error) {
  std::ostringstream out;
  out.precision(2);
  out << error;
  return out.str();
}

void print_run(std::ostream& out, const VerifiedRun& run) {
  out << "\n  " << text_of(run) << ": ";
  if (!run.failure.empty()) {
    out << run.failure;
    return;
  }
  if (run.outputs.empty()) out << "it gives nothing that could be compared";
  for (size_t i = 0; i < run.outputs.size(); ++i) {
    const VerifiedOutput& output = run.outputs[i];
    out << (i == 0 ? "" : "; ") << output.name << (output.is_equal ? "" : " DIFFERS") << ", largest error "
        << text_of(output.absolute_error) << ", relative " << text_of(output.relative_error);
    if (!output.is_equal) out << ", " << output.problem;
  }
  if (run.amplifies_rounding) {
    out << "\n    It counts as right: each call alone gives what eager's kernel gives, and the program amplifies "
           "rounding";
  }
}

void print_call(std::ostream& out, const DifferingCall& call) {
  if (call.op.empty()) {
    out << "\n  " << call.problem;
    return;
  }
  out << "\n  first in " << call.op << ", which gives " << call.value;
  if (!call.where.empty()) out << '\n' << call.where;
  out << "\n  " << call.problem;
}

}  // namespace

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
    out << engine << " doesn't give what eager's kernels give, at " << text_of(*wrong) << ':';
    if (first) print_call(out, *first);
  }
  for (const VerifiedRun& run : runs) print_run(out, run);
  return out.str();
}

}  // namespace tracejet
