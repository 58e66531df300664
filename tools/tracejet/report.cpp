#include "report.h"

#include <cmath>
#include <sstream>

#include "ir/tensor_meta.h"

namespace tracejet::command_line {

namespace {

struct Extent {
  double min, mean, max;
};

bool has_extent(const at::Tensor& tensor) { return tensor.numel() > 0 && !tensor.is_complex(); }

Extent extent_of(const at::Tensor& tensor) {
  const at::Tensor numbers = tensor.detach().cpu().to(at::kDouble);
  return {numbers.min().item().toDouble(), numbers.mean().item().toDouble(), numbers.max().item().toDouble()};
}

std::string type_of(const at::Tensor& tensor) {
  TensorMeta meta;
  meta.dtype = tensor.scalar_type();
  for (const int64_t size : tensor.sizes()) meta.sizes.emplace_back(size);
  meta.strides = contiguous_strides(meta.sizes);
  return meta.str();
}

/// JSON has no numbers for NaN and infinities.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(brief(value)); }

}  // namespace

std::string brief(double number) {
  if (std::isnan(number)) return "nan";  // whatever its sign
  std::ostringstream text;
  text.precision(4);
  text << number;
  return text.str();
}

std::string in_words(const std::vector<at::Tensor>& outputs) {
  std::string text;
  for (size_t i = 0; i < outputs.size(); ++i) {
    text += (i == 0 ? "" : "\n") + std::string("output ") + std::to_string(i) + " " + type_of(outputs[i]);
    if (!has_extent(outputs[i])) continue;
    const auto [min, mean, max] = extent_of(outputs[i]);
    text += ": min " + brief(min) + ", mean " + brief(mean) + ", max " + brief(max);
  }
  return text;
}

Json to_json(const std::vector<at::Tensor>& outputs) {
  Json list = Json::array();
  for (const at::Tensor& output : outputs) {
    Json json = {{"type", type_of(output)}, {"shape", output.sizes().vec()}};
    if (has_extent(output)) {
      const auto [min, mean, max] = extent_of(output);
      json.update({{"min", number(min)}, {"mean", number(mean)}, {"max", number(max)}});
    }
    list.push_back(std::move(json));
  }
  return list;
}

Json to_json(const CompileReport& report) {
  Json parts = Json::array(), fallbacks = Json::array();
  for (const CompiledPart& part : report.parts) {
    parts.push_back({{"engine", part.engine},
                     {"nodes", part.nodes},
                     {"inputs", part.inputs},
                     {"outputs", part.outputs},
                     {"weight_bytes", part.weight_bytes},
                     {"is_cached", part.is_cached},
                     {"inside", part.inside}});
  }
  for (const FallbackCall& call : report.fallbacks) {
    fallbacks.push_back({{"op", call.op}, {"engine", call.engine}, {"reason", call.reason}, {"where", call.where}});
  }
  return {{"preferred", report.preferred},
          {"engines", report.engines},
          {"nodes", report.nodes()},
          {"nodes_on_preferred", report.nodes_on_preferred()},
          {"parts", parts},
          {"fallbacks", fallbacks},
          {"notes", report.notes}};
}

Json to_json(const Verification& verification) {
  Json runs = Json::array();
  for (const VerifiedRun& run : verification.runs) {
    Json outputs = Json::array();
    for (const VerifiedOutput& output : run.outputs) {
      outputs.push_back({{"name", output.name},
                         {"equal", output.is_equal},
                         {"absolute_error", number(output.absolute_error)},
                         {"relative_error", number(output.relative_error)},
                         {"problem", output.problem}});
    }
    runs.push_back({{"name", run.name}, {"ok", run.ok()}, {"failure", run.failure}, {"outputs", outputs}});
  }
  Json json = {{"engine", verification.engine}, {"ok", verification.ok()}, {"runs", runs}};
  if (verification.first) {
    const DifferingCall& call = *verification.first;
    json["first"] = {{"op", call.op}, {"value", call.value}, {"where", call.where}, {"problem", call.problem}};
  }
  return json;
}

}  // namespace tracejet::command_line
