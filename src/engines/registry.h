#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engines/engine.h"

namespace tracejet {

/// The engine of this name, whether it can compile or not.
/// Throws InvalidInput, listing what there is, where there is none.
std::shared_ptr<const Engine> find_engine(const std::string& name);

/// The same, of those that can compile.
std::shared_ptr<const Engine> find_compiling_engine(const std::string& name);

/// All of those, in order of preference.
std::vector<std::shared_ptr<const Engine>> compiling_engines();

/// Settings of which only this engine, and others that say so, take other values than the default.
struct OwnSettings {
  std::string_view engine;
  std::span<const std::string_view> names;
};

/// Those of engines that come with tracejet, whether they can be used here or not.
std::span<const OwnSettings> own_settings();

/// Adds an engine, after all that there are. It is kept until the process ends, or until it is unregistered.
/// Throws InvalidInput where there is one of its name, or where the name is none: empty, or "auto".
void register_engine(std::shared_ptr<const Engine> engine);

/// The same for an engine that "auto" asks, before PyTorch's kernels: one that comes with tracejet, but needs something
/// else installed.
void register_default_engine(std::shared_ptr<const Engine> engine);

/// Takes an engine out that was registered; what it compiled goes on working.
/// Throws InvalidInput where there is none of this name, or where it comes with tracejet.
void unregister_engine(const std::string& name);

}  // namespace tracejet
