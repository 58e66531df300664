// `compile` and `run`: compiled programs.
#include <chrono>
#include <memory>

#include <ATen/core/grad_mode.h>

#include "commands.h"
#include "compile/program_runner.h"
#include "measure.h"
#include "model.h"
#include "report.h"
#include "settings.h"
#include "values.h"
#include <tracejet/verify.h>

namespace tracejet::command_line {

Run compile(CLI::App& command) {
  struct Options {
    std::string model, output;
    InputOptions inputs;
    SettingOptions settings;
  };
  const auto options = std::make_shared<Options>();
  command.add_option("model", options->model, "A .pt2 file, or a TorchScript file with its inputs.")->required();
  command.add_option("-o,--output", options->output, "The .pt2 file to write, with what the engines compiled in it.");
  options->settings.add_to(command);
  options->inputs.add_to(command);
  return [options] {
    const Program program = program_of(options->model, options->inputs);
    const int64_t before = resident_bytes();
    const auto begin = std::chrono::steady_clock::now();
    const CompiledProgram compiled = tracejet::compile(program, options->settings.settings());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const int64_t grown = std::max<int64_t>(0, resident_bytes() - before);
    Answer answer;
    answer.text = "compiled in " + brief(took.count()) + " s, " + std::to_string(grown >> 20) + " MiB\n" +
                  compiled.report().str();
    answer.found = {{"seconds", took.count()},
                    {"memory_bytes", grown},
                    {"file", options->output.empty() ? Json() : Json(options->output)},
                    {"report", to_json(compiled.report())}};
    if (!options->output.empty()) {
      compiled.save(options->output);
      answer.text += "\nwritten to " + options->output;
    }
    return answer;
  };
}

Run run(CLI::App& command) {
  struct Options {
    std::string model, outputs;
    InputOptions inputs;
    SettingOptions settings;
    ValueOptions values;
    bool compares = false;
    std::optional<double> tolerance;
  };
  const auto options = std::make_shared<Options>();
  command.add_option("model", options->model, "A .pt2 file, compiled or not, or a TorchScript file with its inputs.")
      ->required();
  options->values.add_to(command);
  command.add_option("--save-outputs", options->outputs, "The file to write the outputs to: .npy for one, or .pt.");
  command.add_flag("--compare", options->compares,
                   "Compares with PyTorch's kernels, and says which call differs first.");
  command.add_option("--tolerance", options->tolerance,
                     "Which difference, relative to the largest element, is rounding.");
  options->settings.add_to(command);
  options->inputs.add_to(command);
  return [options] {
    const auto [compiled, shapes] = compiled_and_shapes(options->model, options->inputs, options->settings);
    const Program program(compiled.runner()->graph());
    const std::vector<at::Tensor> inputs = options->values.values(program, shapes);
    const at::NoGradGuard no_grad;
    Answer answer;
    if (options->compares) {  // first, for a run may write to buffers and inputs
      const Verification verification =
          verify(program, compiled, {inputs}, {.sizes = {}, .tolerance = options->tolerance});
      answer.found["verification"] = to_json(verification);
      answer.found["equal"] = verification.ok();
      answer.status = verification.ok() ? Status::kOk : Status::kNo;
      answer.text = "\n" + verification.str() + (verification.ok() ? "\nequal to PyTorch's kernels" : "");
    }
    const std::vector<at::Tensor> outputs = compiled.run(inputs);
    if (!options->outputs.empty()) save_tensors(outputs, options->outputs);
    answer.text = in_words(outputs) + answer.text;
    answer.found["outputs"] = to_json(outputs);
    return answer;
  };
}

}  // namespace tracejet::command_line
