// tracejet-cpp: traces TorchScript files, and lowers, compiles, runs and measures programs, without Python.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <string>

#include "answer.h"
#include "commands.h"
#include "numbers.h"
#include <tracejet/version.h>

namespace {

namespace cl = tracejet::command_line;

struct Command {
  const char* name;
  const char* description;
  cl::Run (*add)(CLI::App&);
};

constexpr Command kCommands[] = {
    {"show", "Prints a program, call by call.", cl::show},
    {"check", "Says which calls an engine takes, and which not and why. Exit status 1 if not all of them.", cl::check},
    {"trace", "Traces a TorchScript file, says what its program is made of, and writes it.", cl::trace},
    {"lower", "Lowers a program anew, with other decompositions, and writes it.", cl::lower},
    {"compile", "Compiles a model, and says how long that took and which engine runs what.", cl::compile},
    {"run", "Compiles a model and runs it once. Exit status 1 if --compare finds a difference.", cl::run},
    {"bench", "Measures engines side by side. Exit status 1 if some couldn't be built, 3 if none could.", cl::bench},
    {"engines", "Lists the engines, the default first.", cl::engines},
};

constexpr const char* kFooter =
    "Exit status: 0 if all went well, 1 if the answer is no (an engine doesn't run it all, results differ), 2 for a\n"
    "usage error, 3 where the model couldn't be loaded, traced, compiled or run.";

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Programs of PyTorch without Python: .pt2 files and TorchScript files.", "tracejet-cpp");
  app.set_version_flag("--version", std::string("tracejet-cpp ") + tracejet::version());
  app.require_subcommand(0, 1);  // else CLI11 misses a command before it names the word that is none
  app.footer(kFooter);
  bool as_json = false;
  std::vector<std::pair<const CLI::App*, cl::Run>> runs;
  for (const Command& command : kCommands) {
    CLI::App* parser = app.add_subcommand(command.name, command.description);
    runs.emplace_back(parser, command.add(*parser));
    for (CLI::Option* option : parser->get_options()) {
      if (option->get_items_expected_max() > 0) option->check(cl::something());
    }
    parser->add_flag("--json", as_json, "Writes one JSON object to standard output.");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // help, version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    const auto is_json = [](std::string_view argument) { return argument == "--json"; };
    return cl::say_error(cl::Status::kUsage, "UsageError", error.what(), std::any_of(argv, argv + argc, is_json));
  }
  const auto asked = std::ranges::find_if(runs, [](const auto& run) { return run.first->parsed(); });
  if (asked == runs.end()) {
    std::string names;
    for (const Command& command : kCommands) names.append(names.empty() ? "" : ", ").append(command.name);
    return cl::say_error(cl::Status::kUsage, "UsageError", "a command is required: one of " + names, as_json);
  }
  return cl::answer(asked->second, as_json);
}
