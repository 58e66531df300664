// Damaged .pt2 files: whatever was done to them, loading gives a program or an Error, and takes little memory. The
// corpus beside this file is of torch.export.save and tracejet.save (tests/support/make_pt2_corpus.py). To go on for
// half an hour: TRACEJET_FUZZ_SECONDS=1800 tracejet_tests --gtest_filter='Pt2Mutation.*'
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "compile/saved/saved_file.h"
#include "io/pt2/archive_reader.h"
#include "io/pt2/archive_writer.h"
#include "io/pt2/zip_directory.h"
#include <tracejet/error.h>
#include <tracejet/io.h>

namespace tracejet {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Entries = std::map<std::string, std::string>;

constexpr int kRounds = 150;                       ///< for each file, where no time is given
constexpr int64_t kMostMemory = int64_t{1} << 20;  ///< KiB

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Entries entries_of(const std::string& file) {
  Entries entries;
  for (const auto& [name, entry] : pt2::read_zip_directory(std::as_bytes(std::span(file)))) {
    const bool is_writers_own = name.starts_with("archive_") || name.starts_with(".data/");
    if (!is_writers_own) entries.emplace(name, file.substr(entry.begin, entry.size));
  }
  return entries;
}

class Mutator {
 public:
  explicit Mutator(unsigned seed) : random_(seed) {}

  size_t below(size_t count) { return std::uniform_int_distribution<size_t>(0, count - 1)(random_); }

  /// Some bits are others, some bytes are gone or there twice.
  void damage(std::string& bytes) {
    for (size_t times = 1 + below(3); times > 0 && !bytes.empty(); --times) {
      const size_t at = below(bytes.size()), length = 1 + below(16);
      switch (below(4)) {
        case 0:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
          break;
        case 1:
          bytes.erase(at, length);
          break;
        case 2:
          bytes.insert(at, bytes.substr(below(bytes.size()), length));
          break;
        default:
          bytes.replace(at, length, std::string(length, below(2) == 0 ? '\0' : '\xFF'));
      }
    }
  }

  /// Some values are others.
  void damage(Json& json) {
    for (size_t times = 1 + below(3); times > 0; --times) {
      std::vector<Json*> values;
      collect(json, values);
      Json& chosen = *values[below(values.size())];
      const Json other = *values[below(values.size())];
      switch (below(5)) {
        case 0:
          chosen = other;
          break;
        case 1:
          if (!chosen.empty() && chosen.is_structured()) {
            chosen.erase(std::next(chosen.begin(), static_cast<std::ptrdiff_t>(below(chosen.size()))));
          } else {
            chosen = nullptr;
          }
          break;
        case 2:
          if (chosen.is_array()) {
            chosen.push_back(other);
          } else if (chosen.is_object()) {
            chosen["other"] = other;
          } else if (chosen.is_string()) {
            std::string text = chosen;
            damage(text);
            chosen = text;
          }
          break;
        default:
          chosen = nasty();
      }
    }
  }

 private:
  static void collect(Json& json, std::vector<Json*>& values) {
    values.push_back(&json);
    if (!json.is_structured()) return;
    for (Json& item : json) collect(item, values);
  }

  Json nasty() {
    static const std::vector<Json> kValues = {
        nullptr,
        true,
        0,
        -1,
        1,
        3,
        int64_t{1} << 31,
        std::numeric_limits<int64_t>::max(),
        std::numeric_limits<int64_t>::min(),
        std::numeric_limits<uint64_t>::max(),
        1e308,
        "",
        "NaN",
        "-Infinity",
        "../../etc/passwd",
        std::string(100000, 'x'),
        "Symbol('s9', positive=True, integer=True)",
        "Mul(Integer(9223372036854775807), Symbol('s0', positive=True, integer=True))",
        "FloorDiv(Symbol('s0', positive=True, integer=True), Integer(0))",
        "Pow(Add(Symbol('a'), Symbol('b'), Symbol('c')), Integer(60))",
        "LShift(Integer(1), Integer(-5))",
        "torch.ops.aten.add.Tensor",
        "torch.ops.aten.item.default",
        "torch.ops.higher_order.cond",
        "_operator.floordiv",
        "L['x'].size()[0] // 0 == 1",
        Json::array(),
        Json::object(),
        {{"as_int", 4}},
        {{"as_none", true}},
        {{"as_name", "x"}},
    };
    return kValues[below(kValues.size())];
  }

  std::mt19937 random_;
};

/// A value that isn't UTF-8 can't be written; then the text goes as it is.
std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

class Pt2Mutation : public ::testing::TestWithParam<fs::path> {
 protected:
  Pt2Mutation() : path_(fs::temp_directory_path() / ("mutated" + std::to_string(::getpid()) + ".pt2")) {}
  ~Pt2Mutation() override { fs::remove(path_); }

  void write(const Entries& entries) const {
    fs::remove(path_);
    pt2::ArchiveWriter archive(path_);
    for (const auto& [name, content] : entries) archive.write(name, content);
    archive.close();
  }
  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

  /// True where it gave a program.
  bool load_it() const {
    try {
      read_compilation(pt2::ArchiveReader(path_));
      EXPECT_FALSE(load(path_).str().empty());
      return true;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("can't load"), std::string::npos) << error.what();
      return false;
    }
  }

  fs::path path_;
};

/// One damaged file.
void damage(Mutator& mutator, const Entries& entries, const std::string& file, const auto& write) {
  if (mutator.below(4) == 0) {
    std::string bytes = file;
    mutator.damage(bytes);
    return write(bytes);
  }
  Entries changed = entries;
  const auto entry = std::next(changed.begin(), static_cast<std::ptrdiff_t>(mutator.below(changed.size())));
  auto& [name, content] = mutator.below(3) == 0 ? *entry : *changed.find("models/model.json");
  Json json = Json::parse(content, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded() || mutator.below(8) == 0) {
    mutator.damage(content);
  } else {
    mutator.damage(json);
    content = text_of(json);
  }
  write(changed);
}

TEST_P(Pt2Mutation, GivesAProgramOrAnError) {
  const std::string file = content_of(GetParam());
  const Entries entries = entries_of(file);
  write(entries);
  ASSERT_TRUE(load_it()) << "the file itself";
  const char* seconds = std::getenv("TRACEJET_FUZZ_SECONDS");
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds));
  const unsigned first = seconds == nullptr ? 0 : std::random_device()();
  int programs = 0, rounds = 0;
  for (; seconds == nullptr ? rounds < kRounds : std::chrono::steady_clock::now() < end; ++rounds) {
    SCOPED_TRACE("seed " + std::to_string(first + static_cast<unsigned>(rounds)));
    Mutator mutator(first + static_cast<unsigned>(rounds));
    damage(mutator, entries, file, [this](const auto& changed) { write(changed); });
    programs += load_it() ? 1 : 0;
    if (HasFailure()) break;
  }
  RecordProperty("rounds", rounds);
  RecordProperty("programs", programs);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 4 * kMostMemory);
}

std::vector<fs::path> corpus() {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(fs::path(__FILE__).parent_path() / "corpus")) files.push_back(file);
  std::ranges::sort(files);
  return files;
}

INSTANTIATE_TEST_SUITE_P(, Pt2Mutation, ::testing::ValuesIn(corpus()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace tracejet
