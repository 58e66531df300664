#include "io/pt2/program_reader.h"

#include <algorithm>
#include <ranges>

#include <c10/util/Exception.h>
#include <torch/csrc/export/pt2_archive_constants.h>

#include "io/pt2/archive_reader.h"
#include "io/pt2/graph_reader.h"
#include "io/pt2/guard_parser.h"
#include "io/pt2/schema.h"
#include "io/pt2/weights_reader.h"
#include "ir/size_expression.h"
#include "ir/verify.h"

namespace tracejet::pt2 {

namespace {

using Inputs = GraphInput::Kind;
using Tensors = std::unordered_map<std::string, at::Tensor>;

namespace spec = torch::_export::archive_spec;

void check_version(const Field& program) {
  const Field version = program["schema_version"];
  const int64_t major = version["major"].integer(), minor = version["minor"].integer();
  if (major == kSchemaMajor) return;  // a later minor version only adds what may be left out
  throw UnsupportedOperator("its schema is of version " + std::to_string(major) + "." + std::to_string(minor) +
                                ", and this reads version " + std::to_string(kSchemaMajor),
                            ErrorCode::kFileContent);
}

/// A Tensor, or a plain number, a string or None, that a program is given or gives.
c10::IValue literal(const Field& argument) {
  const auto [kind, value] = argument.variant();
  if (kind == "as_none") return {};
  if (kind == "as_int") return value.integer();
  if (kind == "as_float") return value.real();
  if (kind == "as_bool") return value.boolean();
  if (kind == "as_string") return value.string();
  throw UnsupportedOperator("the program takes or gives " + kind.substr(0, 60) + ", which isn't known here",
                            ErrorCode::kFileContent);
}

class ProgramReader {
 public:
  ProgramReader(const Field& program, const ArchiveReader& archive, bool checks_weights)
      : program_(program),
        module_(program["graph_module"]),
        symbols_(program),
        graph_(std::make_shared<Graph>(symbols_.context())),
        reader_(module_["graph"], symbols_, graph_),
        weights_(read(archive, spec::WEIGHTS_CONFIG_FILENAME_FORMAT, spec::WEIGHTS_DIR, checks_weights)),
        constants_(read(archive, spec::CONSTANTS_CONFIG_FILENAME_FORMAT, spec::CONSTANTS_DIR, checks_weights)) {}

  ReadProgram read() {
    module_["signature"]["input_specs"].for_each([&](const Field& input) { add_input(input); });
    graph_->order_inputs();
    reader_.read_nodes();
    add_guards();
    add_outputs();
    read_call();
    verify_graph(*graph_);
    return {std::move(graph_), std::move(call_), reader_.writes_in_place()};
  }

 private:
  static Tensors read(const ArchiveReader& archive, std::string_view config, std::string_view folder, bool is_checked) {
    const std::string name = model_entry(config);
    const Document document(name, archive.text(name));
    return read_weights(archive, Field(document), std::string(folder), is_checked);
  }

  void add_input(const Field& spec) {
    const auto [kind, input] = spec.variant();
    if (kind == "constant_input") {
      note_argument(input["name"].string());
      graph_->add_input(Inputs::kUser, std::nullopt, input["name"].string());
      call_.inputs.push_back(literal(input["value"]));
    } else if (kind == "user_input") {
      if (!input["arg"].has("as_tensor")) {
        throw UnsupportedOperator("the program takes a number that may vary, which isn't known here",
                                  ErrorCode::kFileContent);
      }
      const Field argument = input["arg"]["as_tensor"];
      note_argument(argument["name"].string());
      add_tensor(Inputs::kUser, argument, argument["name"].string(), {});
      call_.inputs.emplace_back();
    } else if (kind == "parameter") {
      add_state(Inputs::kParameter, input, "parameter_name", weights_);
    } else if (kind == "buffer") {
      const bool is_persistent = input["persistent"].boolean();
      add_state(Inputs::kBuffer, input, "buffer_name", is_persistent ? weights_ : constants_, is_persistent);
    } else if (kind == "tensor_constant") {
      add_state(Inputs::kConstant, input, "tensor_constant_name", constants_);
      const std::string& name = input["tensor_constant_name"].string();
      call_.constant_names.emplace(name, name);
    } else {
      throw UnsupportedOperator("the program takes a " + kind.substr(0, 60) + ", which isn't known here",
                                ErrorCode::kFileContent);
    }
  }

  /// To be called before its literal is known. Guards name arguments, or count them.
  void note_argument(const std::string& name) {
    const size_t place = call_.inputs.size();
    arguments_.emplace(name, NamedArgument{name, place});
    arguments_.emplace("flat_args_" + std::to_string(place), NamedArgument{name, place});
  }

  void add_state(Inputs kind, const Field& input, const char* key, const Tensors& tensors, bool persistent = true) {
    const std::string& name = input[key].string();
    const auto data = tensors.find(name);
    if (data == tensors.end()) input[key].fail("the file has no tensor of this name");
    add_tensor(kind, input["arg"], name, data->second, persistent);
  }

  void add_tensor(Inputs kind, const Field& argument, const std::string& name, const at::Tensor& data,
                  bool persistent = true) {
    TensorMeta meta = reader_.meta(argument);
    if (data.defined() && (data.scalar_type() != meta.dtype || !has_sizes(data, meta))) {
      argument.fail("the tensor " + name.substr(0, 80) + " of the file is " + c10::str(data.toString(), data.sizes()) +
                    ", and the program wants " + meta.str());
    }
    const std::string& value = argument["name"].string();
    reader_.define(argument, value, graph_->add_input(kind, std::move(meta), name, data, persistent));
  }

  static bool has_sizes(const at::Tensor& data, const TensorMeta& meta) {
    return std::ranges::equal(data.sizes(), meta.sizes, [](int64_t size, const c10::SymInt& expected) {
      return expected.maybe_as_int() == size;
    });
  }

  /// What sizes have to fulfil beyond their ranges.
  void add_guards() {
    for (const symbolic::Condition& condition : symbols_.conditions()) {
      graph_->add_assertion(condition, "Guard failed: " + condition.str(), {});
    }
    if (!program_.has("guards_code")) return;
    const std::vector<Field> guards = program_["guards_code"].elements();
    for (const Field& guard : std::views::reverse(guards)) {  // each goes before all nodes
      const symbolic::Condition condition = guard.located([&] {
        return parse_guard(guard.string(), [&](const GuardedNumber& asked) { return number_of(guard, asked); });
      });
      const auto known = graph_->shapes().decide(condition);
      if (known == false) guard.fail("no argument fulfils it");
      if (!known) graph_->add_assertion(condition, "Guard failed: " + guard.string(), {});
    }
  }

  symbolic::Expression number_of(const Field& guard, const GuardedNumber& asked) const {
    const auto index = arguments_.find(asked.argument);
    const auto unknown = [&] {
      return UnsupportedOperator("the program relies on " + guard.string().substr(0, 200) +
                                 " of its arguments, which isn't known here");
    };
    if (index == arguments_.end()) throw unknown();
    const auto& [name, place] = index->second;
    const c10::IValue& literal = call_.inputs[place];
    if (asked.property.empty()) {
      if (literal.isInt()) return literal.toInt();
      if (literal.isBool()) return symbolic::Expression::truth(literal.toBool());
      if (literal.isDouble()) return symbolic::Expression::real(literal.toDouble());
      throw unknown();
    }
    const auto* value = std::get_if<const Value*>(&reader_.find(guard, name));
    const bool is_size = asked.property == "size" || asked.property == "shape";
    if (value == nullptr || (!is_size && asked.property != "stride")) throw unknown();
    const TensorMeta& tensor = (*value)->tensor();
    const auto& numbers = is_size ? tensor.sizes : tensor.strides;
    if (asked.axis < 0 || asked.axis >= static_cast<int64_t>(numbers.size())) guard.fail("there is no such axis");
    const c10::SymInt& number = numbers[static_cast<size_t>(asked.axis)];
    const auto plain = number.maybe_as_int();
    return plain ? symbolic::Expression(*plain) : expression_of(number);
  }

  size_t find_input(const Field& name, Inputs kind) const {
    const auto inputs = graph_->inputs();
    const auto found = std::ranges::find_if(
        inputs, [&](const GraphInput& input) { return input.kind == kind && input.name == name.string(); });
    if (found == inputs.end()) name.fail("the program has no input of this name");
    return static_cast<size_t>(found - inputs.begin());
  }

  void add_outputs() {
    module_["signature"]["output_specs"].for_each([&](const Field& spec) {
      const auto [kind, output] = spec.variant();
      if (kind == "user_output") {
        add_user_output(output["arg"]);
      } else if (kind == "buffer_mutation") {
        add_write(GraphOutput::Kind::kBufferMutation, output, find_input(output["buffer_name"], Inputs::kBuffer));
      } else if (kind == "parameter_mutation") {
        add_write(GraphOutput::Kind::kBufferMutation, output, find_input(output["parameter_name"], Inputs::kParameter));
      } else if (kind == "user_input_mutation") {
        add_write(GraphOutput::Kind::kInputMutation, output, find_input(output["user_input_name"], Inputs::kUser));
      } else {
        throw UnsupportedOperator("the program gives a " + kind.substr(0, 60) + ", which isn't known here",
                                  ErrorCode::kFileContent);
      }
    });
  }

  void add_write(GraphOutput::Kind kind, const Field& output, size_t target) {
    graph_->add_output({kind, &reader_.value(output["arg"]), {}, target});
  }

  void add_user_output(const Field& argument) {
    GraphOutput output{GraphOutput::Kind::kUser, nullptr, {}};
    std::optional<c10::IValue> outside;
    if (argument.has("as_tensor")) {
      output.value = &reader_.value(argument["as_tensor"]);
    } else {
      output.literal = reader_.constant(argument, c10::AnyType::get());
      if (!argument.variant().first.starts_with("as_sym_")) outside = literal(argument);
    }
    graph_->add_output(std::move(output));
    call_.outputs.push_back(std::move(outside));
  }

  void read_call() {
    bool is_found = false;
    module_["module_call_graph"].for_each([&](const Field& call) {
      if (!call["fqn"].string().empty() || !call.has("signature")) return;
      const Field signature = call["signature"];
      call_.in_spec = signature["in_spec"].string();
      call_.out_spec = signature["out_spec"].string();
      if (signature.has("forward_arg_names")) {
        signature["forward_arg_names"].for_each(
            [&](const Field& name) { call_.argument_names.push_back(name.string()); });
      }
      is_found = true;
    });
    if (!is_found) module_["module_call_graph"].fail("it doesn't say how the program is called");
    if (!module_.has("treespec_namedtuple_fields")) return;
    module_["treespec_namedtuple_fields"].for_each_member([&](const std::string& type, const Field& fields) {
      fields["field_names"].for_each(
          [&](const Field& name) { call_.namedtuple_fields[type].push_back(name.string()); });
    });
  }

  Field program_, module_;
  FileSymbols symbols_;
  std::shared_ptr<Graph> graph_;
  GraphReader reader_;
  Tensors weights_, constants_;
  CallSpec call_;
  struct NamedArgument {
    std::string name;  ///< in the file's graph
    size_t place;      ///< among the user's inputs
  };
  std::unordered_map<std::string, NamedArgument> arguments_;  ///< by the names that guards have for them
};

}  // namespace

ReadProgram read_as_saved(const ArchiveReader& archive, bool checks_weights) {
  return naming_file(archive, [&] {
    const std::string name = model_entry(spec::MODELS_FILENAME_FORMAT);
    const Document document(name, archive.text(name));
    check_version(Field(document));
    return ProgramReader(Field(document), archive, checks_weights).read();
  });
}

}  // namespace tracejet::pt2
