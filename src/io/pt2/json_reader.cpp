#include "io/pt2/json_reader.h"

#include <cmath>
#include <limits>

namespace tracejet::pt2 {

namespace {

/// What there is instead, in a few words.
std::string shown(const nlohmann::json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "a list";
  const std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return text.size() <= 40 ? text : text.substr(0, 40) + "...";
}

/// Finds where `value` stands below `at`. Deeper than anything that is read, it isn't looked for.
bool find(const nlohmann::json& at, const nlohmann::json* value, std::string& path, int depth) {
  if (&at == value) return true;
  if (depth > 200) return false;
  const size_t length = path.size();
  if (at.is_object()) {
    for (const auto& [key, item] : at.items()) {
      path += (length == 0 ? "" : ".") + key.substr(0, 80);
      if (find(item, value, path, depth + 1)) return true;
      path.resize(length);
    }
  } else if (at.is_array()) {
    for (size_t i = 0; i < at.size(); ++i) {
      path += "[" + std::to_string(i) + "]";
      if (find(at[i], value, path, depth + 1)) return true;
      path.resize(length);
    }
  }
  return false;
}

}  // namespace

Document::Document(std::string name, std::string_view text) : name(std::move(name)) {
  try {
    root = nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw Error(this->name + " is no JSON: " + error.what(), ErrorCode::kUnreadableFile);
  }
}

void Field::fail(const std::string& problem) const {
  std::string path;
  find(document_->root, value_, path, 0);
  throw Error(document_->name + ": " + (path.empty() ? "" : path + ": ") + problem, ErrorCode::kUnreadableFile);
}

void Field::expect(bool is_so, const char* what) const {
  if (!is_so) fail("expected " + std::string(what) + ", got " + shown(*value_));
}

Field Field::operator[](const char* key) const {
  expect(value_->is_object(), "an object");
  const auto found = value_->find(key);
  if (found == value_->end()) fail("has no " + std::string(key));
  return {*document_, *found};
}

bool Field::has(const char* key) const {
  expect(value_->is_object(), "an object");
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

const std::string& Field::string() const {
  expect(value_->is_string(), "a string");
  return value_->get_ref<const std::string&>();
}

int64_t Field::integer() const {
  expect(value_->is_number_integer(), "an integer");
  const bool fits = !value_->is_number_unsigned() ||
                    value_->get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  expect(fits, "an integer of 64 bits");
  return value_->get<int64_t>();
}

bool Field::boolean() const {
  expect(value_->is_boolean(), "true or false");
  return value_->get<bool>();
}

double Field::real() const {
  if (value_->is_string()) {
    const std::string& word = string();
    if (word == "Infinity") return std::numeric_limits<double>::infinity();
    if (word == "-Infinity") return -std::numeric_limits<double>::infinity();
    if (word == "NaN") return std::numeric_limits<double>::quiet_NaN();
  }
  expect(value_->is_number(), "a number");
  return value_->get<double>();
}

std::vector<Field> Field::elements() const {
  std::vector<Field> fields;
  for_each([&](const Field& item) { fields.push_back(item); });
  return fields;
}

size_t Field::size() const {
  expect(value_->is_array(), "a list");
  return value_->size();
}

std::pair<const std::string&, Field> Field::variant() const {
  expect(value_->is_object() && value_->size() == 1, "an object of one member");
  const auto member = value_->begin();
  return {member.key(), Field(*document_, member.value())};
}

}  // namespace tracejet::pt2
