#include "frontends/cpp_code.h"

#include <array>
#include <map>
#include <optional>
#include <regex>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "capture/plain_sizes.h"
#include "capture/refusal.h"
#include "frontends/session.h"
#include "frontends/suggestion.h"

namespace tracejet {

void rethrow_of_code(const c10::Error& error, const Tracer& tracer) {
  static constexpr std::string_view kGot = "expected int but got ";
  const std::string message = error.what_without_backtrace();
  if (const std::exception_ptr of_operator = tracer.locations().errors().find(message))
    std::rethrow_exception(of_operator);
  if (asks_for_data(message)) {
    throw DataDependent(
        "the code asks for a tensor's memory (data_ptr, accessor), which only exists when the program runs; "
        "compute with the tensor instead",
        ErrorCode::kDataAccess);
  }
  const size_t got = message.find(kGot);
  if (got == std::string::npos) throw error;
  const std::string size =
      message.substr(got + kGot.size(), message.find_first_of(" \n", got + kGot.size()) - got - kGot.size());
  const auto axes = tracer.guards().symbol_axes().find(size);
  throw UnsupportedOperator(
      "the code takes " + (axes == tracer.guards().symbol_axes().end() ? size : axes->second.front()) +
          ", a dynamic size, for a plain number (expect_int(), or a call that takes int64_t); hand it "
          "on as a SymInt, ask guard_int() where one size is meant, or make the axis static",
      ErrorCode::kPlainNumber);
}

namespace {

/// "u0 >= 4" as "(u0).sym_ge(4)"; nothing where C++ would need other words for a part of it.
std::optional<std::string> condition_in_cpp(const std::string& condition) {
  static const std::regex kComparison(R"(^([\w. +*-]+) (>=|<=|<|==|!=) ([\w. +*-]+)$)");
  static const std::map<std::string, std::array<std::string_view, 2>> kNames{{">=", {"sym_ge", "sym_le"}},
                                                                             {"<=", {"sym_le", "sym_ge"}},
                                                                             {"<", {"sym_lt", "sym_gt"}},
                                                                             {"==", {"sym_eq", "sym_eq"}},
                                                                             {"!=", {"sym_ne", "sym_ne"}}};
  std::smatch part;
  if (!std::regex_match(condition, part, kComparison)) return {};
  const bool is_turned = condition.find_first_of("-.0123456789") == 0;  // a plain number has no methods
  const std::string left = part[is_turned ? 3 : 1], right = part[is_turned ? 1 : 3];
  const bool is_word = left.find(' ') == std::string::npos && left.find('*') == std::string::npos;
  return (is_word ? left : "(" + left + ")") + "." + std::string(kNames.at(part[2])[is_turned]) + "(" + right + ")";
}

/// What a message advises in Python, in C++.
std::string in_cpp(const std::string& message) {
  static const std::regex kCheck(R"(torch\._check\((.*)\)\.\n)");
  std::smatch advice;
  if (!std::regex_search(message, advice, kCheck)) return message;
  const auto condition = condition_in_cpp(advice[1]);
  std::string result = advice.prefix();
  result += condition ? "TORCH_SYM_CHECK(" + *condition + R"(, "why"))" : "TORCH_SYM_CHECK of that condition";
  result += ", on the c10::SymInt that .sym_size() or .item() gave.\n";
  std::string rest = advice.suffix();
  for (const auto& [python, cpp] : {std::pair{"torch.where", "at::where"}, {"torch.cond", "tracejet::cond"}}) {
    if (const size_t found = rest.find(python); found != std::string::npos)
      rest.replace(found, std::string_view(python).size(), cpp);
  }
  return result + rest;
}

}  // namespace

void record_cpp(ModelTrace& trace, const std::function<std::unique_ptr<Results>()>& run) {
  try {
    try {
      trace.record(run);
    } catch (const c10::Error& error) {
      rethrow_of_code(error, trace.tracer());
    }
  } catch (const DataDependent& error) {
    error.rethrow_as(in_cpp(std::string(error.message())));
  }
}

void rethrow_of_module(const c10::Error& error, Tracer& tracer) {
  const std::string_view text = error.what();
  const bool is_of_module = text.find("torch/nn/") != text.npos || text.find("torch/csrc/api/src/nn/") != text.npos;
  const PlainSizes& plain = tracer.plain_sizes();
  if (!is_of_module || plain.empty()) throw;
  throw ShapeError("a module of PyTorch's refuses what it is given: " + plain.in_words(error.what_without_backtrace()) +
                   "\nThe dynamic sizes there are " + plain.axes() +
                   ": those that have to be equal must share a name (Input::shared_dims)");
}

TraceSettings settings_of(const TraceOptions& options) {
  return {.decompositions = options.decompositions,
          .asserts_relations = options.prefer_deferred_runtime_asserts_over_guards};
}

namespace {

/// An exception as reports have it: "ShapeError: [aten::cat] sizes must match …".
std::string in_words(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& own) {
    return std::string(own.kind()) + ": " + own.what();
  } catch (const c10::Error& of_pytorch) {
    return std::string("c10::Error: ") + of_pytorch.what_without_backtrace();
  } catch (const std::exception& of_model) {
    return std::string("an exception: ") + of_model.what();
  }
}

}  // namespace

Program trace_code(Frontend& frontend, const std::vector<Input>& inputs, const TraceOptions& options) {
  Session session(frontend, model_inputs(inputs), settings_of(options));
  session.run();
  if (session.is_violated()) throw ConstraintViolation(session.report().str());
  return Program(session.trace().graph(), inputs);
}

Report diagnose_code(Frontend& frontend, const std::vector<Input>& inputs, const TraceOptions& options) {
  const std::vector<ModelInput> bound = model_inputs(inputs);
  Session session(frontend, bound, settings_of(options));
  std::string error;
  try {
    session.run();
  } catch (const std::exception&) {
    error = in_words(std::current_exception());
  }
  Report report = session.report(error);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto suggested = suggested_input(inputs[i], *bound[i].shape, report.suggested_dimensions);
    report.suggested_inputs.push_back(suggested.value_or(inputs[i]));
  }
  return report;
}

}  // namespace tracejet
