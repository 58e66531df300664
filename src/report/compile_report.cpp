// What compile() made of a program, in words.
#include <map>
#include <sstream>

#include "report/unsupported.h"
#include "report/words.h"
#include <tracejet/compile.h>

namespace tracejet {

namespace {

std::string listed(const std::vector<std::string>& texts) {
  std::string list;
  for (size_t i = 0; i < texts.size() && i < 2 * kLinesShown; ++i) list += (i == 0 ? "" : ", ") + texts[i];
  if (texts.size() > 2 * kLinesShown) list += " and " + std::to_string(texts.size() - 2 * kLinesShown) + " more";
  return list.empty() ? "nothing" : list;
}

std::string in_mebibytes(int64_t bytes) {
  std::ostringstream text;
  text.precision(1);
  text << std::fixed << static_cast<double>(bytes) / (1 << 20) << " MiB of weights";
  return text.str();
}

}  // namespace

int64_t CompileReport::nodes() const {
  int64_t count = 0;
  for (const CompiledPart& part : parts) count += part.nodes;
  return count;
}

int64_t CompileReport::nodes_on_preferred() const {
  int64_t count = 0;
  for (const CompiledPart& part : parts) count += part.engine == preferred ? part.nodes : 0;
  return count;
}

std::string CompileReport::str() const {
  std::ostringstream text;
  const int64_t all = nodes();
  if (parts.size() == 1) {
    text << parts.front().engine << " runs the whole program: " << count_in_words(all, "node");
  } else {
    text.precision(1);
    const double part = all == 0 ? 100.0 : 100.0 * static_cast<double>(nodes_on_preferred()) / static_cast<double>(all);
    text << preferred << " runs " << nodes_on_preferred() << " of " << count_in_words(all, "node") << " (" << std::fixed
         << part << "%), in " << count_in_words(static_cast<int64_t>(parts.size()), "part") << " with " << engines;
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    const CompiledPart& part = parts[i];
    text << "\n  part " << i << ", " << part.engine << ": " << count_in_words(part.nodes, "node") << ", "
         << in_mebibytes(part.weight_bytes) << (part.is_cached ? ", from the engine cache" : "")
         << (part.measured.empty() ? "" : "\n    measured: " + part.measured)
         << (part.inside.empty() ? "" : "\n    in " + part.inside) << "\n    takes " << listed(part.inputs)
         << "\n    gives " << listed(part.outputs);
  }
  std::map<std::string, std::vector<const FallbackCall*>> by_kind;
  for (const FallbackCall& call : fallbacks) {
    by_kind[call.op + " runs on " + call.engine + ", for in " + preferred + " it " + call.reason].push_back(&call);
  }
  for (const auto& [kind, calls] : by_kind) {
    text << "\n  " << kind << (calls.size() > 1 ? " (" + std::to_string(calls.size()) + " times)" : "");
    for (size_t i = 0; i < calls.size() && i < kLinesShown; ++i) {
      std::istringstream lines(calls[i]->where);
      for (std::string line; std::getline(lines, line);) text << "\n  " << line;
    }
    if (calls.size() > kLinesShown) text << "\n    and " << calls.size() - kLinesShown << " more";
  }
  for (const std::string& note : notes) text << "\n  note: " << note;
  return text.str();
}

}  // namespace tracejet
