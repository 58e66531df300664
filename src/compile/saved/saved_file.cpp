#include "compile/saved/saved_file.h"

#include <algorithm>

#include "base/hash.h"
#include "compile/partition/kept_parts.h"
#include "compile/saved/settings_json.h"
#include "io/pt2/program_reader.h"
#include "io/pt2/program_writer.h"

namespace tracejet {

namespace {

using pt2::Field;
using pt2::Json;

constexpr int64_t kVersion = 2;
constexpr const char* kDescription = "tracejet/compiled.json";
constexpr const char* kPartPrefix = "tracejet/part_";

Json refusals_json(const std::vector<BuiltProgram::Refusals>& refused,
                   const std::unordered_map<const Node*, size_t>& places) {
  Json engines = Json::array();
  for (const BuiltProgram::Refusals& nodes : refused) {
    Json list = Json::array();
    for (const auto& [node, reason] : nodes) {
      Json one = pt2::one("node", places.at(node));
      pt2::append(one, "reason", reason);
      list.push_back(std::move(one));
    }
    engines.push_back(std::move(list));
  }
  return engines;
}

Json part_json(const Part& part, const std::unordered_map<const Node*, size_t>& places) {
  Json nodes = Json::array();
  for (const Node* node : part.nodes) nodes.push_back(places.at(node));
  Json json = pt2::one("engine", part.engine->name());
  pt2::append(json, "fingerprint", part.engine->fingerprint());
  pt2::append(json, "nodes", std::move(nodes));
  return json;
}

SavedBuild::Part read_part(const Field& json, const pt2::ArchiveReader& archive) {
  SavedBuild::Part part{json["engine"].string(), json["fingerprint"].string(), {}, {}, {}};
  json["nodes"].for_each([&](const Field& node) { part.nodes.push_back(static_cast<size_t>(node.integer())); });
  if (!json.has("entry")) return part;
  const std::string entry = json["entry"].string();
  try {
    part.bytes = archive.unchecked(entry);
    // The zip's own checksum takes seven times as long, and this is most of the file.
    if (hash_of(part.bytes->view()) != json["hash"].string())
      archive.fail(entry + " is damaged: its hash is another one");
  } catch (const Error& error) {
    part.problem = said_by(error);
  }
  return part;
}

SavedBuild read_build(const Field& json, const pt2::ArchiveReader& archive) {
  SavedBuild build;
  build.program = static_cast<uint32_t>(json["program"].integer());
  json["engines"].for_each([&](const Field& name) { build.engines.push_back(name.string()); });
  json["refused"].for_each([&](const Field& nodes) {
    auto& refused = build.refused.emplace_back();
    nodes.for_each([&](const Field& node) {
      refused.push_back({static_cast<size_t>(node["node"].integer()), node["reason"].string()});
    });
  });
  if (build.refused.size() != build.engines.size()) json["refused"].fail("expected a list for each engine");
  json["parts"].for_each([&](const Field& part) { build.parts.push_back(read_part(part, archive)); });
  return build;
}

/// Where an engine isn't here, others do.
void leave_out_missing(SavedCompilation& saved) {
  const EngineChoice& choice = saved.settings.engine;
  if (choice.is_auto()) return;
  const std::vector<EngineInfo> known = engines();
  for (const std::string& name : choice.names()) {
    if (std::ranges::find(known, name, &EngineInfo::name) != known.end()) continue;
    saved.build.notes.push_back("the file was compiled with the engine \"" + name.substr(0, 80) +
                                "\", which isn't here: compiled again with engine=\"auto\"");
    saved.settings.engine = EngineChoice();
    return;
  }
}

}  // namespace

void save_compiled(const ProgramRunner& runner, const CallSpec& call, const StackTexts::SourceLine& source_line,
                   const std::string& path) {
  const BuiltProgram& built = runner.built();
  if (built.executable == nullptr)
    throw InvalidInput("a dry run compiles nothing: there is nothing to save", ErrorCode::kInvalidSetting);
  const auto places = places_of(*built.plan.graph);
  pt2::Additions additions{{}, runner.own_state()};
  Json parts = Json::array();
  for (size_t i = 0; i < built.plan.parts.size(); ++i) {
    Json part = part_json(built.plan.parts[i], places);
    const bool is_kept = built.plan.parts[i].engine->is_kept_in_files();
    if (auto bytes = is_kept ? built.executables[i]->serialize() : std::nullopt) {
      const std::string entry = kPartPrefix + std::to_string(i);
      pt2::append(part, "entry", entry);
      pt2::append(part, "hash", hash_of(*bytes));
      additions.entries.emplace_back(entry, *std::move(bytes));
    }
    parts.push_back(std::move(part));
  }
  Json json = pt2::one("version", kVersion);
  pt2::append(json, "settings", settings_to_json(runner.settings()));
  pt2::append(json, "program", program_checksum(*built.plan.graph));
  pt2::append(json, "engines", built.engine_names);
  pt2::append(json, "refused", refusals_json(built.refused, places));
  pt2::append(json, "parts", std::move(parts));
  additions.entries.emplace_back(kDescription, json.dump(-1, ' ', false, Json::error_handler_t::replace));
  pt2::write_program(*runner.graph(), call, source_line, path, additions);
}

std::optional<SavedCompilation> read_compilation(const pt2::ArchiveReader& archive) {
  if (!archive.has(kDescription)) return std::nullopt;
  return pt2::naming_file(archive, [&] {
    const pt2::Document document(kDescription, archive.text(kDescription));
    const Field json(document);
    SavedCompilation saved;
    if (json["version"].integer() != kVersion) {
      saved.build.notes.emplace_back("the file was compiled by another version: compiled again with the defaults");
      return std::optional(std::move(saved));
    }
    saved = {settings_from_json(json["settings"]), read_build(json, archive)};
    leave_out_missing(saved);
    return std::optional(std::move(saved));
  });
}

}  // namespace tracejet
