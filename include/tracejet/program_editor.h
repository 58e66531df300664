#pragma once

#include <memory>
#include <vector>

#include <tracejet/program.h>
#include <tracejet/trace.h>

namespace tracejet {

struct Location;

/// Changes a program: a copy of it, which shares its weights. What would leave a wrong program is refused: Error, which
/// names the call, and nothing is changed. Bodies of control flow can be looked into, but not changed.
///
///     ProgramEditor editor(program);
///     for (const ProgramNode& node : editor.nodes()) {
///       if (node.op() != "aten::relu") continue;
///       const ProgramValue old = node.outputs().at(0);
///       const auto leaky = [](const std::vector<at::Tensor>& in) { return std::vector{at::leaky_relu(in[0])}; };
///       editor.replace(old, editor.insert(node, leaky, {node.value("self")}).at(0));
///       editor.erase(node);
///     }
///     const Program changed = editor.program();
///
/// Handles are those of this editor: nodes(), arguments(), and what they lead to. Those of a call that was erased are
/// not to be used any more.
class ProgramEditor {
 public:
  explicit ProgramEditor(const Program& program);

  /// In the order in which they run.
  std::vector<ProgramNode> nodes() const;
  std::vector<ProgramValue> arguments() const;

  /// Adds the calls that `code` makes, in front of a call, and gives its results. `code` is run once on tensors without
  /// data, one for each of `operands`, as trace() runs a function: its calls are decomposed by `options`, and other
  /// tensors that it uses become constants, or are the program's own weights.
  ///
  /// Throws Error where an operand is computed behind `before`, UnsupportedOperator where the code only holds for some
  /// of the sizes that the program takes, or writes to an operand, and what trace() throws.
  std::vector<ProgramValue> insert(const ProgramNode& before, const Forward& code,
                                   const std::vector<ProgramValue>& operands, const TraceOptions& options = {});
  /// The same, behind a call.
  std::vector<ProgramValue> insert_after(const ProgramNode& node, const Forward& code,
                                         const std::vector<ProgramValue>& operands, const TraceOptions& options = {});

  /// What takes `value` behind the call that gives `by`, and what the program gives, takes `by` instead. Throws Error
  /// where they differ in dtype, device, sizes, or in how they lie in memory.
  void replace(const ProgramValue& value, const ProgramValue& by);
  /// Throws Error, naming who does, where somebody takes what the call gives.
  void erase(const ProgramNode& node);
  /// Erases calls whose results nobody takes, but for those with effects (assertions, random numbers).
  void erase_unused();
  /// In front of another call. Throws Error where it would take what isn't computed yet, or be taken before.
  void move(const ProgramNode& node, const ProgramNode& before);

  /// Throws Error, naming the call, unless all that is taken is computed before, and sizes are known before they are
  /// used.
  void verify() const;
  /// The program as it is now, verified. What is changed from then on doesn't change it.
  Program program() const;

 private:
  std::vector<ProgramValue> insert(const Node* before, const Location& where, const Forward& code,
                                   const std::vector<ProgramValue>& operands, const TraceOptions& options);

  std::shared_ptr<Graph> graph_;
  std::vector<Input> inputs_;
};

}  // namespace tracejet
