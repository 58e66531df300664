// `bench`: engines side by side.
#include <chrono>
#include <cstdio>
#include <memory>
#include <numeric>
#include <optional>

#include <ATen/core/grad_mode.h>

#include "commands.h"
#include "engines/reference.h"
#include "measure.h"
#include "model.h"
#include "numbers.h"
#include "report.h"
#include "settings.h"
#include "values.h"
#include <tracejet/error.h>

namespace tracejet::command_line {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kRound = 0.1;  ///< seconds that one engine is measured until it is another's turn

/// One engine, ready to run.
struct Contender {
  std::string name;
  std::optional<CompiledProgram> compiled;
  std::string error;
  double build_seconds = 0;
  int64_t memory_bytes = 0;
  std::vector<double> seconds;

  double run(const std::vector<at::Tensor>& inputs) const {
    const auto begin = Clock::now();
    compiled->run(inputs);
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }
  double measured() const { return std::accumulate(seconds.begin(), seconds.end(), 0.0); }
};

Contender built(const std::string& engine, const Program& program, CompileSettings settings,
                const std::vector<at::Tensor>& inputs) {
  Contender contender{.name = engine};
  settings.engine = engine;
  const int64_t before = resident_bytes();
  const auto begin = Clock::now();
  try {
    contender.compiled = tracejet::compile(program, settings);
    contender.run(inputs);  // some build at the first call
  } catch (const InvalidInput&) {
    throw;
  } catch (const Error& error) {
    contender.compiled.reset();
    contender.error = std::string(error.message());
  }
  contender.build_seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  contender.memory_bytes = std::max<int64_t>(0, resident_bytes() - before);
  return contender;
}

struct Duration {
  double warm_up = 0.2, measured = 3.0;
  int64_t calls = 10;
};

/// Engines take turns, so that what else the machine does befalls all of them alike.
void measure(std::vector<Contender*> waiting, const std::vector<at::Tensor>& inputs, const Duration& duration) {
  for (const Contender* contender : waiting) {
    for (double spent = 0; spent < duration.warm_up;) spent += contender->run(inputs);
  }
  while (!waiting.empty()) {
    for (Contender* contender : waiting) {
      for (double spent = 0; spent < kRound;) {
        contender->seconds.push_back(contender->run(inputs));
        spent += contender->seconds.back();
      }
    }
    std::erase_if(waiting, [&](const Contender* contender) {
      return contender->measured() >= duration.measured &&
             static_cast<int64_t>(contender->seconds.size()) >= duration.calls;
    });
  }
}

std::string padded(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

Answer reported(const std::vector<Contender>& contenders) {
  static const char* const kTitles[] = {"mean ms", "min ms",  "p50 ms", "p90 ms",  "p95 ms", "p99 ms",
                                        "max ms",  "calls/s", "speed",  "build s", "MiB"};
  constexpr size_t kWidth = 10, kNameWidth = 12;
  Answer answer;
  Json rows = Json::array();
  answer.text = padded("engine", kNameWidth);
  for (const char* title : kTitles) answer.text += padded(title, kWidth);
  std::optional<double> first;
  size_t failed = 0;
  for (const Contender& contender : contenders) {
    answer.text += "\n" + padded(contender.name, kNameWidth);
    if (!contender.compiled) {
      ++failed;
      answer.text += "  " + contender.error;
      rows.push_back({{"engine", contender.name}, {"error", contender.error}});
      continue;
    }
    const Latency latency = latency_of(contender.seconds);
    const double rate = static_cast<double>(contender.seconds.size()) / contender.measured();
    if (!first) first = latency.p50;
    const double numbers[] = {latency.mean,
                              latency.min,
                              latency.p50,
                              latency.p90,
                              latency.p95,
                              latency.p99,
                              latency.max,
                              rate,
                              *first / latency.p50,
                              contender.build_seconds,
                              static_cast<double>(contender.memory_bytes >> 20)};
    for (const double number : numbers) answer.text += padded(brief(number), kWidth);
    rows.push_back({{"engine", contender.name},
                    {"calls", contender.seconds.size()},
                    {"mean_ms", latency.mean},
                    {"min_ms", latency.min},
                    {"p50_ms", latency.p50},
                    {"p90_ms", latency.p90},
                    {"p95_ms", latency.p95},
                    {"p99_ms", latency.p99},
                    {"max_ms", latency.max},
                    {"calls_per_second", rate},
                    {"build_seconds", contender.build_seconds},
                    {"memory_bytes", contender.memory_bytes}});
  }
  answer.found = {{"engines", rows}};
  answer.status = failed == 0 ? Status::kOk : failed < contenders.size() ? Status::kNo : Status::kFailed;
  return answer;
}

}  // namespace

Run bench(CLI::App& command) {
  struct Options {
    std::string model;
    std::vector<std::string> engines;
    InputOptions inputs;
    SettingOptions settings;
    ValueOptions values;
    Duration duration;
  };
  const auto options = std::make_shared<Options>();
  command.add_option("model", options->model, "A .pt2 file, or a TorchScript file with its inputs.")->required();
  command
      .add_option("--engine", options->engines, "May be repeated. By default aten, PyTorch's kernels, and the first.")
      ->allow_extra_args(false);
  options->values.add_to(command);
  command.add_option("--warm-up,--warmUp", options->duration.warm_up, "Seconds before anything is measured, each.")
      ->check(seconds())
      ->capture_default_str();
  command.add_option("--duration", options->duration.measured, "Seconds to measure each engine.")
      ->check(seconds())
      ->capture_default_str();
  command.add_option("--iterations", options->duration.calls, "Calls to measure at least.")
      ->check(whole_number(1, 1'000'000'000))
      ->capture_default_str();
  options->settings.add_to(command, /*has_engine=*/false);
  options->inputs.add_to(command);
  return [options] {
    const at::NoGradGuard no_grad;
    const auto [program, shapes] = program_and_shapes(options->model, options->inputs);
    const std::vector<at::Tensor> inputs = options->values.values(program, shapes);
    std::vector<std::string> engines = options->engines;
    if (engines.empty()) engines = {reference_engine().name(), default_engine()};
    std::vector<Contender> contenders;
    for (const std::string& engine : engines) {
      contenders.push_back(built(engine, program, options->settings.settings(), inputs));
    }
    std::vector<Contender*> ready;
    for (Contender& contender : contenders) {
      if (contender.compiled) ready.push_back(&contender);
    }
    measure(ready, inputs, options->duration);
    return reported(contenders);
  };
}

}  // namespace tracejet::command_line
