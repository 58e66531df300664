#include "engines/kernel_times.h"

#include <utility>

#include "ir/call.h"

namespace tracejet {

namespace {

thread_local KernelTimes* listening = nullptr;

}  // namespace

KernelTimes::KernelTimes() : before_(std::exchange(listening, this)) {}

KernelTimes::~KernelTimes() { listening = before_; }

KernelTimes* KernelTimes::current() { return listening; }

void KernelTimes::add(const std::string& kernel, std::span<const Node* const> nodes, const Graph& graph,
                      double microseconds) {
  auto [found, is_new] = times_.try_emplace({part_.value_or(0), nodes.front(), kernel});
  KernelTime& time = found->second;
  if (is_new) {
    time = {part_.value_or(0), kernel, {}, line_of(nodes.front()->where(), graph)};
    for (const Node* node : nodes) time.operators.push_back(Call(*node).name());
    order_.push_back(&time);
  }
  ++time.calls;
  time.microseconds += microseconds;
}

std::vector<KernelTime> KernelTimes::take() {
  std::vector<KernelTime> all;
  for (KernelTime* time : order_) all.push_back(std::move(*time));
  times_.clear();
  order_.clear();
  return all;
}

KernelTimes::InPart::InPart(size_t part) : times_(KernelTimes::current()) {
  if (times_ != nullptr && times_->part_) times_ = nullptr;
  if (times_ != nullptr) times_->part_ = part;
}

KernelTimes::InPart::~InPart() {
  if (times_ != nullptr) times_->part_.reset();
}

}  // namespace tracejet
