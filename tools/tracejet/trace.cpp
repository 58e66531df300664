// `show`, `trace` and `lower`: programs.
#include <chrono>
#include <memory>

#include "commands.h"
#include "model.h"
#include <tracejet/error.h>
#include <tracejet/io.h>
#include <tracejet/program.h>

namespace tracejet::command_line {

namespace {

struct Options {
  std::string model, output, decompositions = "tensorrt";
  InputOptions inputs;

  void add_output(CLI::App& command) {
    command.add_option("-o,--output", output, "The .pt2 file to write.");
    command.add_option("--decompositions", decompositions, "What is done with operators: tensorrt, core_aten or none.")
        ->check(CLI::IsMember({"tensorrt", "core_aten", "none"}))
        ->capture_default_str();
  }

  TraceOptions trace_options() const {
    if (decompositions == "core_aten") return {.decompositions = DecompositionSet::kCoreAten};
    if (decompositions == "none") return {.decompositions = DecompositionSet::kNone};
    return {};
  }
};

/// What the program is made of, how long that took, and where it was written.
Answer told(const Options& options, const std::function<Program()>& make) {
  const auto begin = std::chrono::steady_clock::now();
  const Program program = make();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  Answer answer = described(program);
  answer.found["seconds"] = took.count();
  answer.found["file"] = options.output.empty() ? Json() : Json(options.output);
  if (!options.output.empty()) {
    save(program, options.output);
    answer.text += "\nwritten to " + options.output;
  }
  return answer;
}

}  // namespace

Run show(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("model", options->model, "A .pt2 file, or a TorchScript file with its inputs.")->required();
  options->inputs.add_to(command);
  return [options] {
    const Program program = program_of(options->model, options->inputs);
    Answer answer = described(program);
    answer.text = program.str();
    answer.found["text"] = answer.text;
    return answer;
  };
}

Run trace(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("model", options->model, "A TorchScript file, scripted or traced.")->required();
  options->add_output(command);
  options->inputs.add_to(command);
  return [options] {
    if (is_program(options->model)) throw InvalidInput(options->model + " is a program already: see `lower`");
    return told(*options, [&] { return program_of(options->model, options->inputs, options->trace_options()); });
  };
}

Run lower(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("model", options->model, "A .pt2 file.")->required();
  options->add_output(command);
  return [options] {
    if (!is_program(options->model)) throw InvalidInput(options->model + " is no .pt2 file: see `trace`");
    const Program program = program_of(options->model, {});
    return told(*options, [&] { return tracejet::trace(program, options->trace_options()); });
  };
}

}  // namespace tracejet::command_line
