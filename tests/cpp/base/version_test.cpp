#include "tracejet/version.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

TEST(Version, is_that_of_the_build) {
  const std::string version = tracejet::version();
  EXPECT_EQ(std::count(version.begin(), version.end(), '.'), 2) << version;
}
