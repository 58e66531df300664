#include "engines/registry.h"

#include <algorithm>
#include <mutex>

#include "base/error.h"
#include "engines/aten/aten_engine.h"
#include "engines/inductor/executable.h"
#include "engines/onnx_file.h"
#include "engines/openvino/openvino_engine.h"
#include "engines/reference.h"
#include "engines/tensorrt/target.h"

namespace tracejet {

namespace {

/// Names are asked once: an engine may need a lock of its own to say its name (Python's).
struct Entry {
  std::string name;
  std::shared_ptr<const Engine> engine;
  bool is_own = false;  ///< comes with tracejet
};

/// The engines that come with tracejet, the default first.
std::vector<Entry> built_in_engines() {
  std::vector<Entry> entries;
  for (auto& engine : {openvino::make_engine(), aten::make_engine(), make_onnx_file()}) {
    entries.push_back({engine->name(), engine, true});
  }
  return entries;
}

std::string names_of(const std::vector<Entry>& entries) {
  std::string names;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i > 0) names += i + 1 == entries.size() ? " or " : ", ";
    names += entries[i].name;
  }
  return names;
}

class Registry {
 public:
  /// Never destroyed: engines may hold what belongs to an interpreter that is gone by then.
  static Registry& instance() {
    static auto* const registry = new Registry;
    return *registry;
  }

  std::vector<Entry> entries() const {
    const std::scoped_lock lock(mutex_);
    return entries_;
  }

  /// `before`: an engine; after all others where there is none of this name.
  void add(Entry entry, const std::string& before = {}) {
    const std::scoped_lock lock(mutex_);
    if (find(entry.name) != entries_.end())
      throw InvalidInput("there is an engine \"" + entry.name + "\" already", ErrorCode::kEngineDefinition);
    entries_.insert(find(before), std::move(entry));
  }

  /// Gives what it took out, to be destroyed without the lock.
  Entry remove(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    const auto found = find(name);
    if (found == entries_.end()) throw InvalidInput("there is no engine \"" + name + "\"", ErrorCode::kUnknownEngine);
    if (found->is_own)
      throw InvalidInput("the engine \"" + name + "\" comes with tracejet", ErrorCode::kEngineDefinition);
    Entry removed = std::move(*found);
    entries_.erase(found);
    return removed;
  }

 private:
  std::vector<Entry>::iterator find(const std::string& name) { return std::ranges::find(entries_, name, &Entry::name); }

  mutable std::mutex mutex_;
  std::vector<Entry> entries_ = built_in_engines();
};

std::vector<Entry> compiling_entries() {
  std::vector<Entry> entries = Registry::instance().entries();
  std::erase_if(entries, [](const Entry& entry) { return !entry.engine->can_compile(); });
  return entries;
}

std::shared_ptr<const Engine> find_among(const std::vector<Entry>& entries, const std::string& name,
                                         const std::string& purpose) {
  const auto found = std::ranges::find(entries, name, &Entry::name);
  if (found != entries.end()) return found->engine;
  throw InvalidInput("there is no engine \"" + name + "\"" + purpose + ": choose " + names_of(entries),
                     ErrorCode::kUnknownEngine);
}

}  // namespace

std::shared_ptr<const Engine> find_engine(const std::string& name) {
  return find_among(Registry::instance().entries(), name, " to check for");
}

std::shared_ptr<const Engine> find_compiling_engine(const std::string& name) {
  return find_among(compiling_entries(), name, "");
}

std::vector<std::shared_ptr<const Engine>> compiling_engines() {
  std::vector<std::shared_ptr<const Engine>> engines;
  for (Entry& entry : compiling_entries()) engines.push_back(std::move(entry.engine));
  return engines;
}

std::span<const OwnSettings> own_settings() {
  static constexpr OwnSettings settings[] = {
      {aten::kName, aten::kOwnSettings},
      {inductor::kName, inductor::kOwnSettings},
      {tensorrt::kName, tensorrt::kOwnSettings},
  };
  return settings;
}

void register_engine(std::shared_ptr<const Engine> engine) {
  std::string name = engine->name();
  if (name.empty()) throw InvalidInput("an engine needs a name", ErrorCode::kEngineDefinition);
  if (EngineChoice(name).may_split())
    throw InvalidInput("no engine can be named \"" + name + "\", which means any", ErrorCode::kEngineDefinition);
  Registry::instance().add({std::move(name), std::move(engine)});
}

void register_default_engine(std::shared_ptr<const Engine> engine) {
  std::string name = engine->name();
  Registry::instance().add({std::move(name), std::move(engine)}, reference_engine().name());
}

void unregister_engine(const std::string& name) { Registry::instance().remove(name); }

std::vector<EngineInfo> engines() {
  std::vector<EngineInfo> infos;
  for (const Entry& entry : compiling_entries()) infos.push_back({entry.name, entry.engine->fingerprint()});
  return infos;
}

std::string default_engine() { return Registry::instance().entries().front().name; }

}  // namespace tracejet
