#include "measure.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <unistd.h>

namespace tracejet::command_line {

int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t all = 0, resident = 0;
  file >> all >> resident;
  return file ? resident * sysconf(_SC_PAGE_SIZE) : 0;
}

Latency latency_of(std::vector<double> seconds) {
  std::ranges::sort(seconds);
  const auto percentile = [&](double part) {
    const double place = part * static_cast<double>(seconds.size() - 1);
    const auto below = static_cast<size_t>(place);
    const size_t above = std::min(below + 1, seconds.size() - 1);
    return 1e3 * std::lerp(seconds[below], seconds[above], place - static_cast<double>(below));
  };
  const double sum = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  return {1e3 * sum / static_cast<double>(seconds.size()),
          1e3 * seconds.front(),
          percentile(0.5),
          percentile(0.9),
          percentile(0.95),
          percentile(0.99),
          1e3 * seconds.back()};
}

}  // namespace tracejet::command_line
