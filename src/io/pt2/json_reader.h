#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace tracejet::pt2 {

/// A JSON text.
struct Document {
  /// Throws Error, naming the document, where the text is none.
  Document(std::string name, std::string_view text);

  std::string name;
  nlohmann::json root;
};

/// A value of a document. Whoever asks for something else than what it is gets an Error that names the place:
/// "models/model.json: graph_module.graph.nodes[3].name: expected a string, got 5".
class Field {
 public:
  using Value = nlohmann::json;

  explicit Field(const Document& document) : document_(&document), value_(&document.root) {}

  /// A member that has to be there.
  Field operator[](const char* key) const;
  bool has(const char* key) const;  ///< and isn't null
  bool is_null() const { return value_->is_null(); }

  const std::string& string() const;
  int64_t integer() const;
  bool boolean() const;
  double real() const;  ///< or one of the schema's words for those that JSON lacks

  /// Calls `visit(Field)` for each element of a list.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    expect(value_->is_array(), "a list");
    for (const Value& item : *value_) visit(Field(*document_, item));
  }
  std::vector<Field> elements() const;  ///< of a list
  /// Calls `visit(name, Field)` for each member.
  template <typename Visitor>
  void for_each_member(Visitor&& visit) const {
    expect(value_->is_object(), "an object");
    for (const auto& [name, item] : value_->items()) visit(name, Field(*document_, item));
  }
  size_t size() const;
  /// Of a union: which of its members is there. `visit` gets its name and value.
  std::pair<const std::string&, Field> variant() const;

  /// What `function` gives; an Error of it is one of this place.
  template <typename Function>
  auto located(Function&& function) const {
    try {
      return function();
    } catch (const UnsupportedOperator&) {
      throw;
    } catch (const Error& error) {
      fail(said_by(error));
    }
  }
  [[noreturn]] void fail(const std::string& problem) const;

 private:
  Field(const Document& document, const Value& value) : document_(&document), value_(&value) {}

  void expect(bool is_so, const char* what) const;

  const Document* document_;
  const Value* value_;
};

}  // namespace tracejet::pt2
