#include "compile/partition/kept_parts.h"

#include <algorithm>
#include <utility>

#include "io/pt2/zip_directory.h"
#include "ir/call.h"

namespace tracejet {

namespace {

void add_operators(const Graph& graph, std::string& text) {
  for (const Node& node : graph.nodes()) {
    text += toString(node.op().operator_name()) + '\n';
    for (const auto& subgraph : node.subgraphs()) add_operators(*subgraph, text);
  }
}

}  // namespace

uint32_t program_checksum(const Graph& graph) {
  std::string text;
  add_operators(graph, text);
  return pt2::crc32(std::as_bytes(std::span(text)));
}

std::unordered_map<const Node*, size_t> places_of(const Graph& graph) {
  std::unordered_map<const Node*, size_t> places;
  for (const Node& node : graph.nodes()) places.emplace(&node, places.size());
  return places;
}

KeptParts::KeptParts(const std::shared_ptr<const Graph>& graph, const SavedBuild* saved) : saved_(saved) {
  if (saved_ == nullptr) return;
  notes_ = saved_->notes;
  places_ = places_of(*graph);
  if (saved_->program == program_checksum(*graph)) return;
  saved_ = nullptr;
  notes_.emplace_back("the file was compiled by another version, which made another program of it: compiled again");
}

std::optional<std::vector<std::vector<Unsupported>>> KeptParts::refused(
    const std::vector<std::shared_ptr<const Engine>>& engines) const {
  if (saved_ == nullptr) return std::nullopt;
  const auto is_same = [](const std::shared_ptr<const Engine>& engine, const std::string& name) {
    return engine->name() == name;
  };
  if (!std::ranges::equal(engines, saved_->engines, is_same)) return std::nullopt;
  std::vector<const Node*> nodes(places_.size());
  for (const auto& [node, place] : places_) nodes[place] = node;
  std::vector<std::vector<Unsupported>> refused(saved_->refused.size());
  for (size_t i = 0; i < refused.size(); ++i) {
    for (const auto& [node, reason] : saved_->refused[i]) {
      if (node < nodes.size()) refused[i].push_back({nodes[node], reason});
    }
  }
  return refused;
}

std::vector<size_t> KeptParts::places(const Part& part) const {
  std::vector<size_t> nodes;
  for (const Node* node : part.nodes) nodes.push_back(places_.at(node));
  return nodes;
}

const SavedBuild::Part* KeptParts::find(const Part& part) const {
  const std::vector<size_t> nodes = places(part);
  const auto found = std::ranges::find_if(saved_->parts, [&](const SavedBuild::Part& kept) {
    return kept.engine == part.engine->name() && kept.nodes == nodes;
  });
  return found == saved_->parts.end() ? nullptr : &*found;
}

std::string KeptParts::engine_of(const Part& part) const {
  if (saved_ == nullptr) return {};
  const std::vector<size_t> nodes = places(part);
  const auto found = std::ranges::find(saved_->parts, nodes, &SavedBuild::Part::nodes);
  return found == saved_->parts.end() ? std::string() : found->engine;
}

std::shared_ptr<const Executable> KeptParts::load(const Part& part, const RuntimeInputs& inputs,
                                                  const CompileSettings& settings) {
  if (saved_ == nullptr) return nullptr;
  const SavedBuild::Part* kept = find(part);
  const auto compile_again = [&](const std::string& reason) {
    notes_.push_back(part.engine->name() + " compiled " + std::to_string(part.nodes.size()) +
                     " nodes again: " + reason);
    return nullptr;
  };
  if (!part.engine->is_kept_in_files()) return nullptr;
  if (kept == nullptr) return compile_again("the file was compiled with other parts");
  if (!kept->problem.empty()) return compile_again(kept->problem);
  if (!kept->bytes) return nullptr;
  if (kept->fingerprint != part.engine->fingerprint()) {
    return compile_again("the file was compiled for " + kept->fingerprint + ", and this is " +
                         part.engine->fingerprint());
  }
  try {
    return part.engine->load(*kept->bytes, part.graph, inputs, settings);
  } catch (const std::exception& error) {
    if (!part.engine->is_failure(error)) throw;
    return compile_again(said_by(error));
  }
}

}  // namespace tracejet
