#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/util/StringUtil.h>

#include <tracejet/input.h>

namespace tracejet {

/// What forward gave: its tensors, numbers, texts and Nones in order.
struct FlatResults {
  std::vector<c10::IValue> values;
  std::string structure;  ///< "(T, [T, T])"

  void add(c10::IValue value, const char* kind) {
    values.push_back(std::move(value));
    structure += kind;
  }
};

/// How a struct that forward returns is taken apart. For one of yours:
///
///     template <>
///     struct tracejet::Members<Detections> {
///       static auto of(const Detections& found) { return std::tie(found.boxes, found.scores); }
///     };
template <typename Struct>
struct Members {};

/// A struct that forward takes, made from its members: `as<State>(hidden, cell)` calls `State{hidden, cell}`.
template <typename Struct, typename... Parts>
struct As {
  std::tuple<Parts...> parts;
};
template <typename Struct, typename... Parts>
As<Struct, Parts...> as(Parts... parts) {
  return {{std::move(parts)...}};
}

/// The arguments of a forward: an Input stands for a tensor, wherever it is: in a vector, an array, a tuple, a pair, an
/// optional, a map, a struct (`as`). A tensor stands for one of its shape. All else (numbers, texts, `std::nullopt`) is
/// handed to forward as it is, and is fixed in the program.
template <typename... Parts>
struct Arguments {
  std::tuple<Parts...> parts;
};
template <typename... Parts>
Arguments<Parts...> arguments(Parts... parts) {
  return {{std::move(parts)...}};
}

/// The Input that a tensor is an example of: its shape, dtype, device and memory format, all of them fixed. Throws
/// InvalidInput where it is laid out in another way.
Input input_like(const at::Tensor& example);

namespace detail {

template <typename T, template <typename...> class Template>
inline constexpr bool is_a = false;
template <template <typename...> class Template, typename... Parts>
inline constexpr bool is_a<Template<Parts...>, Template> = true;

template <typename T>
inline constexpr bool is_array = false;
template <typename T, size_t size>
inline constexpr bool is_array<std::array<T, size>> = true;

template <typename T>
inline constexpr bool is_tuple = is_a<T, std::tuple> || is_a<T, std::pair>;
template <typename T>
inline constexpr bool is_list = is_a<T, std::vector> || is_array<T>;

// Results ------------------------------------------------------------------------------------------------------------

template <typename T>
void flatten(const T& value, FlatResults& results);

void flatten_items(const auto& items, FlatResults& results) {
  for (const auto& item : items) {
    flatten(item, results);
    results.structure += ", ";
  }
}

template <typename T>
void flatten(const T& value, FlatResults& results) {
  if constexpr (std::is_convertible_v<const T&, const at::Tensor&>) {
    results.add(static_cast<const at::Tensor&>(value), "T");
  } else if constexpr (is_a<T, std::optional>) {
    value ? flatten(*value, results) : results.add({}, "None");
  } else if constexpr (std::is_same_v<T, std::nullopt_t>) {
    results.add({}, "None");
  } else if constexpr (is_tuple<T>) {
    results.structure += "(";
    std::apply([&](const auto&... items) { ((flatten(items, results), results.structure += ", "), ...); }, value);
    results.structure += ")";
  } else if constexpr (is_list<T>) {
    results.structure += "[";
    flatten_items(value, results);
    results.structure += "]";
  } else if constexpr (is_a<T, std::map>) {
    results.structure += "{";
    for (const auto& [key, item] : value) {
      results.structure += c10::str(key, ": ");
      flatten(item, results);
    }
    results.structure += "}";
  } else if constexpr (requires { Members<T>::of(value); }) {
    results.structure += "struct ";
    flatten(Members<T>::of(value), results);
  } else if constexpr (std::is_reference_v<T>) {
    flatten<std::remove_cvref_t<T>>(value, results);
  } else if constexpr (std::is_same_v<T, bool>) {
    results.add(value, "bool");
  } else if constexpr (std::is_integral_v<T>) {
    results.add(static_cast<int64_t>(value), "int");
  } else if constexpr (std::is_floating_point_v<T>) {
    results.add(static_cast<double>(value), "float");
  } else {
    static_assert(std::is_constructible_v<c10::IValue, T>,
                  "forward returns a type that can't be taken apart; specialize tracejet::Members for it");
    results.add(value, "number");
  }
}

template <typename T>
FlatResults flattened(const T& value) {
  FlatResults results;
  flatten(value, results);
  return results;
}

// Arguments ----------------------------------------------------------------------------------------------------------

/// Hands out tensors in the order in which their Inputs were declared.
class TensorReader {
 public:
  explicit TensorReader(const std::vector<at::Tensor>& tensors) : tensors_(tensors) {}
  const at::Tensor& next() { return tensors_.at(next_++); }

 private:
  const std::vector<at::Tensor>& tensors_;
  size_t next_ = 0;
};

/// Calls `visit` with each Input of an argument; examples become Inputs.
template <typename T>
void declare(const T& argument, std::vector<Input>& inputs) {
  if constexpr (std::is_same_v<T, Input>) {
    inputs.push_back(argument);
  } else if constexpr (std::is_same_v<T, at::Tensor>) {
    if (argument.defined()) inputs.push_back(input_like(argument));
  } else if constexpr (is_a<T, std::optional>) {
    if (argument) declare(*argument, inputs);
  } else if constexpr (is_tuple<T>) {
    std::apply([&](const auto&... items) { (declare(items, inputs), ...); }, argument);
  } else if constexpr (is_list<T>) {
    for (const auto& item : argument) declare(item, inputs);
  } else if constexpr (is_a<T, std::map>) {
    for (const auto& [key, item] : argument) declare(item, inputs);
  } else if constexpr (requires { argument.parts; }) {
    declare(argument.parts, inputs);
  }
}

template <typename T>
std::vector<Input> inputs_of(const T& argument) {
  std::vector<Input> inputs;
  declare(argument, inputs);
  return inputs;
}

/// What forward is called with: tensors in the place of Inputs.
template <typename T>
auto bound(const T& argument, TensorReader& reader) {
  if constexpr (std::is_same_v<T, Input>) {
    return at::Tensor(reader.next());
  } else if constexpr (std::is_same_v<T, at::Tensor>) {
    return argument.defined() ? at::Tensor(reader.next()) : at::Tensor();
  } else if constexpr (is_a<T, std::optional>) {
    using Item = decltype(bound(*argument, reader));
    return argument ? std::optional<Item>(bound(*argument, reader)) : std::nullopt;
  } else if constexpr (is_a<T, std::pair>) {  // no tuple becomes one
    using First = decltype(bound(argument.first, reader));
    using Second = decltype(bound(argument.second, reader));
    return std::pair<First, Second>{bound(argument.first, reader), bound(argument.second, reader)};
  } else if constexpr (is_tuple<T>) {
    return std::apply(
        [&](const auto&... items) { return std::tuple<decltype(bound(items, reader))...>{bound(items, reader)...}; },
        argument);  // braces: from left to right
  } else if constexpr (is_a<T, std::vector>) {
    std::vector<decltype(bound(argument[0], reader))> items;
    for (const auto& item : argument) items.push_back(bound(item, reader));
    return items;
  } else if constexpr (is_array<T>) {
    std::array<decltype(bound(argument[0], reader)), std::tuple_size_v<T>> items;
    for (size_t i = 0; i < items.size(); ++i) items[i] = bound(argument[i], reader);
    return items;
  } else if constexpr (is_a<T, std::map>) {
    std::map<typename T::key_type, decltype(bound(argument.begin()->second, reader))> items;
    for (const auto& [key, item] : argument) items.emplace(key, bound(item, reader));
    return items;
  } else {
    return argument;
  }
}

template <typename Struct, typename... Parts>
Struct bound(const As<Struct, Parts...>& argument, TensorReader& reader) {
  return std::apply([](auto&&... members) { return Struct{std::forward<decltype(members)>(members)...}; },
                    bound(argument.parts, reader));
}

template <typename... Parts>
auto bound(const Arguments<Parts...>& arguments, TensorReader& reader) {
  return bound(arguments.parts, reader);
}

}  // namespace detail

}  // namespace tracejet
