#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "symbolic/node.h"

namespace tracejet::symbolic {

/// How tightly an expression holds together when it is printed, loosest first.
enum class Precedence : uint8_t {
  kLoose,
  kOrs,
  kAnds,
  kNots,
  kComparisons,
  kBits,
  kSums,
  kProducts,
  kUnary,
  kPowers,
  kWhole
};

/// How an operator is written in Python.
struct Notation {
  enum class Form : uint8_t {
    kOwn,         ///< see print.cpp
    kCall,        ///< text(a, b, …)
    kInfix,       ///< a text b: a may hold together as tightly as the whole, b more so
    kRightInfix,  ///< the other way round
    kBetween,     ///< a text b: both hold together more tightly
  };
  Form form = Form::kOwn;
  std::string_view text = {};
  Precedence precedence = Precedence::kWhole;
};

/// What is known of an operator. How it is brought into normal form is code (rewrite.cpp), and so are its bounds.
struct OperatorInfo {
  static constexpr int kVariadic = -1;

  Kind kind;
  std::string_view name;  ///< Python's, in Expression.Kind
  int arity;              ///< kVariadic: at least two, or one factor
  Notation notation;
  Value (*evaluate)(const Node& node, std::span<const Value> operands);  ///< null for a symbol
  std::string_view fx = {};     ///< the Python function that a node of fx calls, of two operands where it is variadic
  std::string_view sympy = {};  ///< what PyTorch makes of it in sympy
  std::string_view sym_node = {};  ///< the method of PyTorch's SymNode, where only Python has it
};

const OperatorInfo& info_of(Kind kind);
/// All of them, in the order of Kind.
std::span<const OperatorInfo> operators();

/// The a of a + 1 <= b, which was written a < b.
std::optional<Expression> strictly_below(const Condition& less_equal);

}  // namespace tracejet::symbolic
