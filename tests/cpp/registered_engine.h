#pragma once

#include <memory>
#include <string>
#include <utility>

#include "engines/engine.h"
#include "engines/registry.h"

namespace tracejet::testing {

/// Registers an engine for one test.
class Registered {
 public:
  explicit Registered(std::shared_ptr<const Engine> engine) : name_(engine->name()) {
    register_engine(std::move(engine));
  }
  Registered(const Registered&) = delete;
  Registered& operator=(const Registered&) = delete;
  ~Registered() { unregister_engine(name_); }

 private:
  std::string name_;
};

}  // namespace tracejet::testing
