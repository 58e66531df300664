#include "symbolic/asker.h"

#include <utility>

namespace tracejet::symbolic {

namespace {

thread_local Asker asker_at_work = Asker::kPyTorch;

}  // namespace

Asker current_asker() { return asker_at_work; }

AskedBy::AskedBy(Asker asker) : before_(std::exchange(asker_at_work, asker)) {}

AskedBy::~AskedBy() { asker_at_work = before_; }

}  // namespace tracejet::symbolic
