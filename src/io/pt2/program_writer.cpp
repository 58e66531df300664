#include "io/pt2/program_writer.h"

#include <algorithm>
#include <caffe2/serialize/versions.h>
#include <cctype>

#include <torch/csrc/export/pt2_archive_constants.h>
#include <torch/version.h>

#include "base/error.h"
#include "io/pt2/archive_writer.h"
#include "io/pt2/graph_writer.h"
#include "io/pt2/schema.h"
#include "io/pt2/weights_writer.h"

namespace tracejet::pt2 {

namespace {

using Inputs = GraphInput::Kind;

namespace spec = torch::_export::archive_spec;

Json literal_argument(const c10::IValue& value, const std::string& what) {
  if (value.isNone()) return one("as_none", true);
  if (value.isBool()) return one("as_bool", value.toBool());
  if (value.isInt()) return one("as_int", value.toInt());
  if (value.isDouble()) return one("as_float", number(value.toDouble()));
  if (value.isString()) return one("as_string", value.toStringRef());
  throw UnsupportedOperator(what + ": a .pt2 file can't hold a " + value.tagKind(), ErrorCode::kFileContent);
}

/// The names that torch.export gives its inputs: "p_layer1_0_weight" for a parameter, arguments as they are. The user's
/// come first: others make way for them.
class InputNames {
 public:
  std::vector<std::string> of(const std::vector<std::string>& targets, std::span<const GraphInput> inputs) {
    std::vector<std::string> names(targets.size());
    for (const bool is_user : {true, false}) {
      for (size_t i = 0; i < targets.size(); ++i) {
        if ((inputs[i].kind == Inputs::kUser) != is_user) continue;
        const std::string plain = prefix_of(inputs[i].kind) + plain_text(targets[i]);
        // What fx makes of a name like `input`, which is Python's own, whenever it copies a graph.
        names[i] = unique(is_user ? NodeNames().unique(plain) : plain);
      }
    }
    return names;
  }

 private:
  static std::string prefix_of(Inputs kind) {
    switch (kind) {
      case Inputs::kParameter:
        return "p_";
      case Inputs::kBuffer:
        return "b_";
      case Inputs::kConstant:
        return "c_";
      case Inputs::kUser:
        return "";
    }
    return "";
  }

  static std::string plain_text(const std::string& name) {
    std::string text;
    for (const char c : name) {
      const auto byte = static_cast<unsigned char>(c);
      text += std::isalnum(byte) != 0 || byte >= 0x80 ? static_cast<char>(std::tolower(byte)) : '_';
    }
    return text;
  }

  std::string unique(const std::string& name) {
    std::string candidate = name;
    for (int n = 1; !taken_.insert(candidate).second; ++n) candidate = name + "_" + std::to_string(n);
    return candidate;
  }

  std::unordered_set<std::string> taken_;
};

class ProgramWriter {
 public:
  ProgramWriter(const Graph& graph, const CallSpec& call, const StackTexts& stacks, const OwnState& state)
      : graph_(graph),
        call_(call),
        state_(state),
        program_{{}, stacks, module_stacks(graph)},
        writer_(graph, program_),
        targets_(name_targets()),
        names_(InputNames().of(targets_, graph.inputs())) {}

  /// The program, and the tensors that go with it.
  Json write(WeightsWriter& weights, WeightsWriter& constants) {
    Json inputs = add_inputs(weights, constants);
    writer_.add_nodes();
    add_outputs();
    Json signature = one("input_specs", std::move(inputs));
    append(signature, "output_specs", std::move(output_specs_));
    Json module = one("graph", writer_.take(std::move(outputs_), /*is_single=*/false));
    append(module, "signature", std::move(signature));
    append(module, "module_call_graph", module_calls());
    append(module, "metadata", Json::object());
    append(module, "treespec_namedtuple_fields", namedtuple_fields());
    Json version = one("major", kSchemaMajor);
    append(version, "minor", kSchemaMinor);
    Json program = one("graph_module", std::move(module));
    append(program, "opset_version", one("aten", caffe2::serialize::kMaxSupportedFileFormatVersion));
    append(program, "range_constraints", program_.symbols.range_constraints());
    append(program, "schema_version", std::move(version));
    append(program, "verifiers", Json::array({"ATEN"}));
    append(program, "torch_version", TORCH_VERSION);
    append(program, "guards_code", Json::array());
    return program;
  }

 private:
  /// Where each input is kept in the model, or what its argument is called. Constants that the model has no name for
  /// get one that is none of its own.
  std::vector<std::string> name_targets() const {
    std::vector<std::string> targets;
    std::unordered_set<std::string> taken;
    for (const GraphInput& input : graph_.inputs()) {
      const auto known = call_.constant_names.find(input.name);
      const bool is_anonymous = input.kind == Inputs::kConstant && known == call_.constant_names.end();
      targets.push_back(is_anonymous ? "" : input.kind == Inputs::kConstant ? known->second : input.name);
      if (input.kind != Inputs::kUser) taken.insert(targets.back());
    }
    int number = 0;
    for (size_t i = 0; i < targets.size(); ++i) {
      if (graph_.inputs()[i].kind != Inputs::kConstant || !targets[i].empty()) continue;
      do {
        targets[i] = "lifted_tensor_" + std::to_string(number++);
      } while (taken.contains(targets[i]));
    }
    return targets;
  }

  Json add_inputs(WeightsWriter& weights, WeightsWriter& constants) {
    Json specs = Json::array();
    size_t user = 0;
    for (size_t i = 0; i < names_.size(); ++i) {
      const GraphInput& input = graph_.inputs()[i];
      if (input.kind == Inputs::kUser) {
        specs.push_back(add_argument(i, call_.inputs.at(user++)));
        continue;
      }
      const auto own = state_.find(i);
      const at::Tensor& data = own == state_.end() ? input.data : own->second;
      writer_.add_input(*input.value, names_[i], input.data.requires_grad());
      const bool in_state = input.kind == Inputs::kParameter || (input.kind == Inputs::kBuffer && input.persistent);
      (in_state ? weights : constants).add(targets_[i], data, input.kind == Inputs::kParameter);
      specs.push_back(state_spec(i));
    }
    return specs;
  }

  Json add_argument(size_t index, const c10::IValue& literal) {
    const GraphInput& input = graph_.inputs()[index];
    const std::string& name = names_[index];
    if (input.value != nullptr) {
      writer_.add_input(*input.value, name, /*requires_grad=*/false);
      return one("user_input", one("arg", argument_of(writer_.reference(*input.value))));
    }
    Json value = literal_argument(literal, input.name);
    writer_.add_literal_input(name, value);
    Json constant = one("name", name);
    append(constant, "value", std::move(value));
    return one("constant_input", std::move(constant));
  }

  Json state_spec(size_t index) const {
    const GraphInput& input = graph_.inputs()[index];
    Json spec = one("arg", one("name", names_[index]));
    switch (input.kind) {
      case Inputs::kParameter:
        append(spec, "parameter_name", targets_[index]);
        return one("parameter", std::move(spec));
      case Inputs::kBuffer:
        append(spec, "buffer_name", targets_[index]);
        append(spec, "persistent", input.persistent);
        return one("buffer", std::move(spec));
      default:
        append(spec, "tensor_constant_name", targets_[index]);
        return one("tensor_constant", std::move(spec));
    }
  }

  void add_outputs() {
    size_t user = 0;
    std::unordered_set<const Value*> written;
    for (const GraphOutput& output : graph_.outputs()) {
      const bool is_user = output.kind == GraphOutput::Kind::kUser;
      Json value = is_user ? user_output(output, call_.outputs.at(user++)) : writer_.output(output);
      // A signature tells writes apart by the node that is written, so each needs one of its own.
      if (!is_user && !written.insert(output.value).second) value = writer_.copy_of(*output.value);
      output_specs_.push_back(is_user ? one("user_output", one("arg", value)) : mutation(output, value));
      outputs_.push_back(std::move(value));
      if (output.value != nullptr) written.insert(output.value);
    }
  }

  Json user_output(const GraphOutput& output, const std::optional<c10::IValue>& literal) {
    Json value = literal ? literal_argument(*literal, "an output") : writer_.output(output);
    if (value.contains("as_string") || value.contains("as_sym_bool") || value.contains("as_complex")) {
      throw UnsupportedOperator("an output of the program is a " +
                                    std::string(value.contains("as_string") ? "string" : "boolean or complex number") +
                                    ", which torch.export.load can't read; return tensors or sizes",
                                ErrorCode::kFileContent);
    }
    return value;
  }

  Json mutation(const GraphOutput& output, const Json& value) const {
    const GraphInput& target = graph_.inputs()[output.target];
    Json spec = one("arg", value.at("as_tensor"));
    switch (target.kind) {
      case Inputs::kUser:
        append(spec, "user_input_name", names_[output.target]);
        return one("user_input_mutation", std::move(spec));
      case Inputs::kBuffer:
        append(spec, "buffer_name", target.name);
        return one("buffer_mutation", std::move(spec));
      default:
        append(spec, "parameter_name", target.name);
        return one("parameter_mutation", std::move(spec));
    }
  }

  Json module_calls() const {
    Json signature = one("inputs", Json::array());
    append(signature, "outputs", Json::array());
    append(signature, "in_spec", call_.in_spec);
    append(signature, "out_spec", call_.out_spec);
    append(signature, "forward_arg_names", call_.argument_names.empty() ? Json(nullptr) : Json(call_.argument_names));
    Json call = one("fqn", "");
    append(call, "signature", std::move(signature));
    return Json::array({std::move(call)});
  }

  Json namedtuple_fields() const {
    Json types = Json::object();
    for (const auto& [type, fields] : call_.namedtuple_fields) append(types, type, one("field_names", fields));
    return types;
  }

  const Graph& graph_;
  const CallSpec& call_;
  const OwnState& state_;
  ProgramContext program_;
  GraphWriter writer_;
  std::vector<std::string> targets_;
  std::vector<std::string> names_;
  Json outputs_ = Json::array(), output_specs_ = Json::array();
};

std::string text_of(const Json& json) {
  return json.dump(/*indent=*/-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

void write_weights(ArchiveWriter& archive, std::string_view folder, std::string_view config, WeightsWriter weights) {
  const WeightsWriter::Entries entries = weights.take();
  for (const auto& [name, bytes] : entries.bytes) {
    archive.write(std::string(folder) + name, bytes.const_data_ptr(), bytes.nbytes());
  }
  archive.write(model_entry(config), text_of(entries.config));
}

}  // namespace

void write_program(const Graph& graph, const CallSpec& call, const StackTexts::SourceLine& source_line,
                   const std::string& path, const Additions& additions) {
  WeightsWriter weights{std::string(spec::WEIGHT_FILENAME_PREFIX)};
  WeightsWriter constants{std::string(spec::TENSOR_CONSTANT_FILENAME_PREFIX)};
  const StackTexts stacks(graph, source_line);
  const Json program = ProgramWriter(graph, call, stacks, additions.state).write(weights, constants);
  ArchiveWriter archive(path);
  write_weights(archive, spec::WEIGHTS_DIR, spec::WEIGHTS_CONFIG_FILENAME_FORMAT, std::move(weights));
  write_weights(archive, spec::CONSTANTS_DIR, spec::CONSTANTS_CONFIG_FILENAME_FORMAT, std::move(constants));
  archive.write(model_entry(spec::MODELS_FILENAME_FORMAT), text_of(program));
  archive.write(model_entry(spec::SAMPLE_INPUTS_FILENAME_FORMAT), "");
  for (const auto& [name, content] : additions.entries) archive.write(name, content);
  archive.write("byteorder", "little");
  archive.close();
}

}  // namespace tracejet::pt2
