#include "compile/partition/race.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_strided.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "base/error.h"
#include "ir/size_expression.h"
#include "symbolic/context.h"

namespace tracejet {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kClearly = 0.97;
constexpr int kFewest = 5, kMost = 50;
constexpr std::chrono::milliseconds kLongest{300};

/// What all of them are, but for numbers that depend on data.
RuntimeSizes usual_sizes(const Graph& graph) {
  RuntimeSizes sizes;
  const symbolic::Context::Reading reading(graph.shapes());
  for (const symbolic::Symbol& symbol : graph.shapes().symbols()) {
    if (symbol.backed) sizes.bind(symbol.id, symbol.hint);
  }
  return sizes;
}

/// Integers are 0, which any index may be.
at::Tensor input_of(const TensorMeta& meta, const RuntimeSizes& sizes) {
  const auto options = at::TensorOptions(meta.dtype).device(meta.device);
  const at::Tensor tensor = at::empty_strided(sizes.evaluate(meta.sizes), sizes.evaluate(meta.strides), options);
  return tensor.fill_(at::isFloatingType(meta.dtype) ? 0.5 : 0);
}

class Runner {
 public:
  Runner(const Graph& graph, const RuntimeInputs& inputs) : sizes_(usual_sizes(graph)) {
    for (const size_t input : inputs) {
      inputs_.push_back(input_of(graph.inputs()[input].value->tensor(), sizes_));
      if (!inputs_.back().is_cpu()) device_ = inputs_.back().device();
    }
  }

  double milliseconds_of(const Executable& executable) const {
    wait();
    const auto begin = Clock::now();
    executable.run(inputs_, sizes_);
    wait();
    return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
  }

 private:
  void wait() const {
    if (!device_.is_cpu()) c10::impl::getDeviceGuardImpl(device_.type())->synchronizeDevice(device_.index());
  }

  RuntimeSizes sizes_;
  std::vector<at::Tensor> inputs_;
  c10::Device device_ = c10::kCPU;
};

double median(std::vector<double> times) {
  const auto middle = times.begin() + std::ssize(times) / 2;
  std::ranges::nth_element(times, middle);
  return *middle;
}

bool has_usual_sizes(const Graph& graph, const RuntimeInputs& inputs) {
  return std::ranges::none_of(inputs, [&](size_t input) {
    return std::ranges::any_of(graph.inputs()[input].value->tensor().sizes, [](const c10::SymInt& size) {
      return symbolic::is_data_dependent(expression_of(size));
    });
  });
}

}  // namespace

bool RaceTimes::rival_is_faster() const { return rival < kClearly * own; }

std::optional<RaceTimes> race(const Graph& graph, const RuntimeInputs& inputs, const Executable& own,
                              const Executable& rival) {
  if (!has_usual_sizes(graph, inputs)) return std::nullopt;
  const at::NoGradGuard no_grad;
  try {
    const Runner runner(graph, inputs);
    // A program may look at its inputs when it is first called, and record itself the second time.
    for (int i = 0; i < 3; ++i) {
      for (const Executable* executable : {&own, &rival}) runner.milliseconds_of(*executable);
    }
    std::vector<double> own_times, rival_times;
    const auto end = Clock::now() + kLongest;
    for (int i = 0; i < kMost && (i < kFewest || Clock::now() < end); ++i) {
      own_times.push_back(runner.milliseconds_of(own));
      rival_times.push_back(runner.milliseconds_of(rival));
    }
    return RaceTimes{median(std::move(own_times)), median(std::move(rival_times))};
  } catch (const Error&) {  // it asserts something of its inputs' values
    return std::nullopt;
  }
}

std::string in_milliseconds(double milliseconds) {
  char text[32];
  (void)std::snprintf(text, sizeof text, milliseconds < 10 ? "%.3f ms" : "%.1f ms", milliseconds);
  return text;
}

}  // namespace tracejet
