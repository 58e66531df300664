// The engine cache: what tells programs apart, and a folder that several threads use at once.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>
#include <unistd.h>

#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "base/build_id.h"
#include "base/hash.h"
#include "compile/cache/directory_cache.h"
#include "compile/cache/entry.h"
#include "compile/cache/graph_hash.h"
#include "small_graph.h"
#include "tracejet/compile.h"
#include "tracejet/trace.h"

namespace tracejet {
namespace {

namespace fs = std::filesystem;
using testing::SmallGraph;

std::string hash_of(const Graph& graph) {
  Hasher hasher;
  WeightHashes weights;
  hash_graph(hasher, graph, runtime_inputs_of(graph), weights);
  return hasher.hex();
}

/// relu(x) or another operator, on symbols of a context of its own.
std::string hash_of_unary(const char* name) {
  SmallGraph small;
  const Value& x = small.input();
  small.graph->add_output({GraphOutput::Kind::kUser, small.unary(name, x).outputs()[0], {}, 0});
  return hash_of(*small.graph);
}

TEST(GraphHash, is_the_same_for_equal_graphs_of_two_traces) {
  EXPECT_EQ(hash_of_unary("aten::relu"), hash_of_unary("aten::relu"));
  EXPECT_NE(hash_of_unary("aten::relu"), hash_of_unary("aten::exp"));
}

TEST(GraphHash, sees_numbers_by_their_bits) {
  const auto hash = [](double number) {
    Hasher hasher;
    hasher.number(number);
    return hasher.hex();
  };
  EXPECT_NE(hash(0.0), hash(-0.0));
  EXPECT_EQ(hash(1.5), hash(1.5));
}

TEST(GraphHash, keeps_texts_apart_that_join_to_the_same) {
  Hasher one, other;
  one.text("ab");
  one.text("c");
  other.text("a");
  other.text("bc");
  EXPECT_NE(one.hex(), other.hex());
}

TEST(GraphHash, reads_the_content_of_weights) {
  const auto hash = [](const at::Tensor& weight) {
    SmallGraph small;
    const Value& x = small.input();
    const Value* bias = small.graph->add_input(GraphInput::Kind::kParameter, testing::dense({3}), "bias", weight);
    const Node& sum =
        small.graph->add_node(testing::op("aten::add", "Tensor"), {&x, bias, 1}, {testing::dense({small.rows, 3})}, {});
    small.graph->add_output({GraphOutput::Kind::kUser, sum.outputs()[0], {}, 0});
    small.graph->order_inputs();
    return std::pair(hash_of(*small.graph), small.graph);
  };
  EXPECT_EQ(hash(at::ones({3})).first, hash(at::ones({3})).first);
  const auto [ones, graph_of_ones] = hash(at::ones({3}));
  const auto [zeros, graph_of_zeros] = hash(at::zeros({3}));
  EXPECT_NE(ones, zeros);
  EXPECT_TRUE(differ_in_weights_only(*graph_of_ones, *graph_of_zeros));
  EXPECT_THROW(hash(at::ones({3}, at::kMeta)), NoKey);
}

TEST(BuildId, is_there) { EXPECT_FALSE(build_id().empty()); }

CacheEntry entry_of(const std::string& key, std::string content) {
  return {.key = key,
          .engine = "an engine",
          .fingerprint = "of \"quotes\"\nand \xff bytes",
          .version = "1",
          .nodes = 3,
          .refused = {{2, "computes in\ncomplex numbers"}},
          .serialized = SharedBytes(std::move(content))};
}

TEST(CacheEntry, comes_back_as_it_was) {
  const std::string content("\0\n\xff binary", 10);
  const auto back = decoded(SharedBytes(encoded(entry_of("key", content))));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->serialized.view(), content);
  EXPECT_EQ(back->nodes, 3);
  ASSERT_EQ(back->refused.size(), 1);
  EXPECT_EQ(back->refused[0].node, 2);
  EXPECT_EQ(back->refused[0].reason, "computes in\ncomplex numbers");
}

TEST(CacheEntry, has_what_was_compiled_where_engines_like_it) {
  for (const size_t length : {size_t{1}, size_t{2}, size_t{30}, size_t{63}, size_t{64}, size_t{65}}) {
    EXPECT_EQ(encoded(entry_of(std::string(length, 'k'), "")).size() % 64, 0) << length;
  }
}

TEST(CacheEntry, is_none_where_a_bit_is_wrong_or_a_byte_is_missing) {
  const std::string bytes = encoded(entry_of("key", "content"));
  for (size_t i = 0; i < bytes.size(); ++i) {
    std::string wrong = bytes;
    wrong[i] = static_cast<char>(wrong[i] ^ 4);
    EXPECT_FALSE(decoded(SharedBytes(wrong))) << i;
    EXPECT_FALSE(decoded(SharedBytes(bytes.substr(0, i)))) << i;
  }
  EXPECT_FALSE(decoded(SharedBytes(bytes + "x")));
}

class Folder : public ::testing::Test {
 protected:
  Folder() { fs::remove_all(path_); }
  ~Folder() override { fs::remove_all(path_); }

  const fs::path path_ = fs::temp_directory_path() / ("tracejet-cache-" + std::to_string(::getpid()));
};

TEST_F(Folder, keeps_entries_and_forgets_what_was_used_longest_ago) {
  DirectoryCache cache(path_, 100);
  EXPECT_FALSE(cache.check("a"));
  cache.insert("a", std::string(40, 'a'));
  cache.insert("b", std::string(40, 'b'));
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::last_write_time(path_ / "a.engine", long_ago);
  fs::last_write_time(path_ / "b.engine", long_ago + std::chrono::minutes(1));
  EXPECT_EQ(cache.check("a"), std::string(40, 'a'));
  cache.insert("c", std::string(40, 'c'));
  EXPECT_FALSE(cache.check("b"));
  EXPECT_TRUE(cache.check("a") && cache.check("c"));
  cache.insert("c", std::string(60, 'd'));  // replaces its own
  EXPECT_EQ(cache.check("c"), std::string(60, 'd'));
  EXPECT_TRUE(cache.check("a"));
  EXPECT_THROW(cache.insert("e", std::string(101, 'e')), Error);
}

TEST_F(Folder, gives_entries_that_outlive_it) {
  DirectoryCache cache(path_, 100);
  cache.insert("a", "one");
  const auto one = cache.mapped("a");
  cache.insert("a", "another");
  ASSERT_TRUE(one);
  EXPECT_EQ(one->view(), "one");
  EXPECT_EQ(cache.mapped("a")->view(), "another");
  clear_engine_cache(path_);
  EXPECT_EQ(one->from(1).view(), "ne");
  EXPECT_FALSE(cache.mapped("a"));
}

TEST_F(Folder, gives_many_threads_whole_entries_only) {
  const auto content = [](int i) { return std::string(size_t{1} << 16, static_cast<char>('a' + i)); };
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      DirectoryCache cache(path_, 5 * (int64_t{1} << 16));
      for (int i = 0; i < 40; ++i) {
        const int key = (i + thread) % 8;
        cache.insert(std::to_string(key), content(key));
        const auto found = cache.check(std::to_string((key + 3) % 8));
        if (found && *found != content((key + 3) % 8)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  const size_t kept = cached_engines(path_).size();
  EXPECT_LE(kept, 5);
  EXPECT_EQ(clear_engine_cache(path_).size(), kept);
  EXPECT_TRUE(cached_engines(path_).empty());
}

TEST_F(Folder, serves_compile) {
  const auto compiled = [&] {
    const Forward forward = [](const std::vector<at::Tensor>& inputs) { return std::vector{at::relu(inputs[0])}; };
    const auto program = trace(forward, {Input::dynamic({1, 4}, {2, 4}, {8, 4}, at::kFloat, "x")});
    return compile(program, {.cache_built_engines = true, .reuse_cached_engines = true, .engine_cache_dir = path_});
  };
  EXPECT_FALSE(compiled().report().parts[0].is_cached);
  const CompiledProgram second = compiled();
  EXPECT_TRUE(second.report().parts[0].is_cached);
  const at::Tensor x = at::ones({3, 4});
  EXPECT_TRUE(second.run({x})[0].equal(x));
  ASSERT_EQ(cached_engines(path_).size(), 1);
  EXPECT_EQ(cached_engines(path_)[0].engine, default_engine());
}

}  // namespace
}  // namespace tracejet
