// `check` and `engines`: who runs what.
#include <map>
#include <memory>

#include "commands.h"
#include "model.h"
#include <tracejet/compile.h>

namespace tracejet::command_line {

namespace {

/// Each reason once, with how often it is met and the first line that meets it.
std::string in_words(const std::vector<UnsupportedCall>& calls) {
  std::map<std::string, std::vector<const UnsupportedCall*>> by_reason;
  for (const UnsupportedCall& call : calls) by_reason[call.op + ": " + call.reason].push_back(&call);
  std::string text;
  for (const auto& [reason, met] : by_reason) {
    text += "\n  " + reason + (met.size() > 1 ? " (" + std::to_string(met.size()) + " times)" : "");
    if (!met.front()->where.empty()) text += "\n    " + met.front()->where;
  }
  return text;
}

Json calls_in_json(const std::vector<UnsupportedCall>& calls) {
  Json list = Json::array();
  for (const UnsupportedCall& call : calls)
    list.push_back({{"op", call.op}, {"reason", call.reason}, {"where", call.where}});
  return list;
}

}  // namespace

Run check(CLI::App& command) {
  struct Options {
    std::string model, engine;
    InputOptions inputs;
  };
  const auto options = std::make_shared<Options>();
  command.add_option("model", options->model, "A .pt2 file, or a TorchScript file with its inputs.")->required();
  command.add_option("--engine", options->engine, "One of `engines`, by default the first, or onnx for an ONNX file.");
  options->inputs.add_to(command);
  return [options]() -> Answer {
    const Program program = program_of(options->model, options->inputs);
    const std::string engine = options->engine.empty() ? default_engine() : options->engine;
    const auto refused = find_unsupported(program, engine), doubtful = find_warnings(program, engine);
    Answer answer;
    answer.text = refused.empty()
                      ? engine + " runs the whole program"
                      : engine + " doesn't run " + std::to_string(refused.size()) + " calls:" + in_words(refused);
    if (!doubtful.empty()) answer.text += "\nit may compute otherwise than PyTorch:" + in_words(doubtful);
    answer.found = {{"engine", engine},
                    {"ok", refused.empty()},
                    {"unsupported", calls_in_json(refused)},
                    {"warnings", calls_in_json(doubtful)}};
    answer.status = refused.empty() ? Status::kOk : Status::kNo;
    return answer;
  };
}

Run engines(CLI::App& /*command*/) {
  return [] {
    Answer answer;
    Json found = Json::object();
    for (const EngineInfo& engine : tracejet::engines()) {
      answer.text += (answer.text.empty() ? "" : "\n") + engine.name + ": " + engine.fingerprint;
      found[engine.name] = engine.fingerprint;
    }
    answer.found = {{"engines", found}};
    return answer;
  };
}

}  // namespace tracejet::command_line
