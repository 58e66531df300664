#pragma once

#include <optional>
#include <string>

#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>
#include <c10/core/SymNodeImpl.h>

namespace c10::impl {
struct PyInterpreter;
}

namespace tracejet {

/// How a language front end helps the tracer. Pure C++ programs leave it empty.
struct FrontendHooks {
  /// The symbolic number that a wrapped-number tensor stands for (`x * size`), which its own data doesn't hold.
  std::optional<c10::IValue> (*symbolic_number)(const at::Tensor&) = nullptr;
  /// What is behind a node that the language has wrapped in one of its own (torch.SymFloat, torch.SymBool).
  c10::SymNode (*unwrapped)(const c10::SymNode&) = nullptr;
  /// A node of ours in the form in which the language takes floats and booleans.
  c10::SymNode (*wrapped)(const c10::SymNode&) = nullptr;
  /// What the code that asks for a condition needs it to be: with the other answer it raises at once (`assert
  /// condition`, `if condition: raise …`). Nothing where it goes on either way.
  std::optional<bool> (*needed_truth)() = nullptr;
  /// What the language calls the class of a tensor.
  std::string (*class_of)(const at::Tensor&) = nullptr;
  /// Whether the language knows the operator of this name ("library::op"), and nobody has said what its results look
  /// like: what stands in the place of a fake implementation only raises.
  bool (*lacks_fake)(const std::string& name) = nullptr;
  /// Knows Python's meta registrations, the slow way for symbolic calls that no shape rule covers.
  c10::impl::PyInterpreter* python = nullptr;
};

/// A symbolic float or boolean as the language takes it; other values as they are.
c10::IValue for_language(const FrontendHooks& hooks, const c10::IValue& value);
/// A symbolic float or boolean as the core made it.
c10::IValue own_number(const FrontendHooks& hooks, const c10::IValue& value);
/// The number behind a tensor that the language made of one (`x + 1`).
c10::IValue number_of(const FrontendHooks& hooks, const at::Tensor& wrapped_number);

}  // namespace tracejet
