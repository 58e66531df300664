#pragma once

#include <cstdint>
#include <vector>

namespace tracejet::command_line {

/// The memory that this process holds; 0 where the system doesn't say.
int64_t resident_bytes();

/// In milliseconds; percentiles are interpolated between the nearest measurements.
struct Latency {
  double mean, min, p50, p90, p95, p99, max;
};

/// `seconds`: at least one.
Latency latency_of(std::vector<double> seconds);

}  // namespace tracejet::command_line
