#include "engines/aten/fusion/kernel_source.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace tracejet::aten {

namespace {

using Kind = KernelStep::Kind;

std::string number_text(int64_t number) { return std::to_string(number); }

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

class Writer {
 public:
  Writer(const KernelSteps& steps, const KernelLayout& layout, const KernelDevice& device, bool is_for_any_size)
      : steps_(steps), layout_(layout), device_(device), is_for_any_size_(is_for_any_size) {
    last_ = layout.space.size() - 1;
    length_ = layout.space[last_];
    width_ = vector_width();
    needed_in_.resize(steps.steps.size());
    for (const KernelStep& step : steps.steps) {
      for (const size_t operand : step.operands) needed_in_[operand].push_back(step.pass);
    }
  }

  KernelSource write() {
    layout_.has_rows ? plan_rows() : plan_elements();
    std::string body;
    for (const KernelStep& step : steps_.steps) write_loaded_rows(step, body);
    for (size_t pass = 0; pass < steps_.passes; ++pass) write_pass(pass, body);
    source_.text = signature() + " {\n" + prologue_ + arrays_ + body + "}\n";
    return std::move(source_);
  }

 private:
  // Sizes and strides -------------------------------------------------------------------------------------------------

  /// A number, or the argument that is it in this call.
  std::string number(int64_t value) {
    if (!is_for_any_size_ || value <= 1) return number_text(value) + "u";
    source_.numbers.push_back(static_cast<unsigned>(value));
    return "n" + number_text(static_cast<int64_t>(source_.numbers.size()) - 1);
  }

  bool is_vector(const KernelOperand& operand, int64_t width) const {
    if (operand.strides[last_] != 1 || operand.alignment < width * operand.element_size) return false;
    for (size_t axis = 0; axis < last_; ++axis) {
      if (operand.strides[axis] % width != 0) return false;
    }
    return true;
  }

  int64_t vector_width() const {
    const auto total = c10::multiply_integers(layout_.space);
    for (int64_t width = 8; width > 1; width /= 2) {
      if (length_ % width != 0) continue;
      if (width > 2 && total / width < device_.threads / 2) continue;  // rather more threads
      if (layout_.has_rows && 4 * length_ < 3 * device_.warp * width) continue;
      const auto fits = [&](const KernelOperand& operand) {
        return is_vector(operand, width) && width * operand.element_size <= 16;
      };
      const auto is_plain = [&](const KernelOperand& operand) { return operand.strides[last_] == 1; };
      const auto is_wrong = [&](const KernelOperand& operand) { return is_plain(operand) && !fits(operand); };
      if (std::ranges::none_of(layout_.outputs, is_wrong) && std::ranges::none_of(layout_.inputs, is_wrong) &&
          std::ranges::any_of(layout_.outputs, is_plain))
        return width;
    }
    return 1;
  }

  // Which thread computes what
  // ------------------------------------------------------------------------------------------

  void plan_elements() {
    const int64_t total = c10::multiply_integers(layout_.space), block = device_.block;
    source_.block = static_cast<unsigned>(block);
    source_.grid = static_cast<unsigned>(ceil_div(ceil_div(total, width_), block));
    const std::string width = number_text(width_) + "u";
    prologue_ = "  const unsigned i = (blockIdx.x * " + number_text(block) + "u + threadIdx.x) * " + width + ";\n";
    prologue_ += "  if (i >= " + number(total) + ") return;\n";
    if (last_ == 0) {
      prologue_ += "  const unsigned k = i;\n";
    } else {
      const std::string length = number(length_);
      prologue_ += "  const unsigned k = i % " + length + ";\n  unsigned rest = i / " + length + ";\n";
    }
    write_offsets();
  }

  void plan_rows() {
    const int64_t rows = c10::multiply_integers(layout_.space) / length_;
    const auto wanted = static_cast<uint64_t>(ceil_div(length_, std::max<int64_t>(width_, 4)));
    threads_ = std::clamp(static_cast<int64_t>(std::bit_ceil(wanted)), device_.warp, device_.largest_block);
    chunks_ = ceil_div(length_, threads_ * width_);
    const int64_t in_block = threads_ > device_.warp ? 1 : std::max<int64_t>(1, 128 / threads_);
    source_.block = static_cast<unsigned>(threads_ * in_block);
    source_.grid = static_cast<unsigned>(ceil_div(rows, in_block));
    const std::string threads = number_text(threads_) + "u";
    prologue_ = "  const unsigned t = threadIdx.x % " + threads + ";\n";
    prologue_ += "  unsigned rest = blockIdx.x * " + number_text(in_block) + "u + threadIdx.x / " + threads + ";\n";
    prologue_ += "  if (rest >= " + number(rows) + ") return;\n";
    write_offsets();
  }

  /// Where the elements of this thread begin in each operand.
  void write_offsets() {
    for (size_t axis = last_; axis-- > 0;) {
      const std::string name = "  const unsigned c" + number_text(static_cast<int64_t>(axis));
      if (axis == 0) {
        prologue_ += name + " = rest;\n";
      } else {
        const std::string size = number(layout_.space[axis]);
        prologue_ += name + " = rest % " + size + ";\n  rest /= " + size + ";\n";
      }
    }
    const auto write = [&](const std::string& name, const KernelOperand& operand) {
      std::string sum;
      for (size_t axis = 0; axis < last_; ++axis) {
        if (operand.strides[axis] == 0) continue;
        sum += (sum.empty() ? "" : " + ") + ("c" + number_text(static_cast<int64_t>(axis))) + " * " +
               number(operand.strides[axis]);
      }
      prologue_ += "  const unsigned at_" + name + " = " + (sum.empty() ? "0u" : sum) + ";\n";
    };
    for (size_t i = 0; i < layout_.inputs.size(); ++i) write(input(i), layout_.inputs[i]);
    for (size_t i = 0; i < layout_.outputs.size(); ++i) write(output(i), layout_.outputs[i]);
  }

  // Names -------------------------------------------------------------------------------------------------------------

  static std::string input(size_t index) { return "in" + std::to_string(index); }
  static std::string output(size_t index) { return "out" + std::to_string(index); }
  static std::string variable(size_t step) { return "v" + std::to_string(step); }

  std::string signature() const {
    std::string arguments;
    const auto add = [&](const std::string& argument) { arguments += (arguments.empty() ? "" : ", ") + argument; };
    for (size_t i = 0; i < layout_.inputs.size(); ++i)
      add("const " + std::string(layout_.inputs[i].type) + "* __restrict__ " + input(i));
    for (size_t i = 0; i < layout_.outputs.size(); ++i)
      add(std::string(layout_.outputs[i].type) + "* __restrict__ " + output(i));
    for (size_t i = 0; i < source_.numbers.size(); ++i) add("const unsigned n" + std::to_string(i));
    return "extern \"C\" __global__ void __launch_bounds__(" + std::to_string(source_.block) + ") " +
           std::string(kKernelName) + "(" + arguments + ")";
  }

  bool is_row(const KernelStep& step) const {
    if (!layout_.has_rows) return false;
    if (step.kind == Kind::kLoad) return layout_.inputs[step.input].strides[last_] == 0;
    return step.kind != Kind::kEach;
  }

  /// Whether elements are kept for a later pass.
  bool is_kept(size_t step) const {
    if (is_row(steps_.steps[step])) return false;
    const size_t first = first_pass(step);
    return std::ranges::any_of(needed_in_[step], [&](size_t pass) { return pass > first; });
  }

  /// A load comes where it is first needed.
  size_t first_pass(size_t step) const {
    if (steps_.steps[step].kind != Kind::kLoad || needed_in_[step].empty()) return steps_.steps[step].pass;
    return *std::ranges::min_element(needed_in_[step]);
  }

  std::string read(size_t step, size_t pass) const {
    const bool is_from_before = is_kept(step) && first_pass(step) < pass;
    return is_from_before ? "kept" + std::to_string(step) + "[c][j]" : variable(step);
  }

  std::string text(const KernelStep& step) const {
    std::string written;
    for (size_t at = 0; at < step.text.size(); ++at) {
      if (step.text[at] != '$') {
        written += step.text[at];
        continue;
      }
      written += read(step.operands[static_cast<size_t>(step.text[++at] - '0')], step.pass);
    }
    return written;
  }

  // Statements --------------------------------------------------------------------------------------------------------

  bool is_read(size_t step) const {
    return !needed_in_[step].empty() || std::ranges::find(steps_.outputs, step) != steps_.outputs.end();
  }

  void write_loaded_rows(const KernelStep& step, std::string& body) const {
    const auto index = static_cast<size_t>(&step - steps_.steps.data());
    if (step.kind != Kind::kLoad || !is_row(step) || !is_read(index)) return;
    body += "  const " + std::string(step.type) + " " + variable(index) + " = wide(" + input(step.input) + "[at_" +
            input(step.input) + "]);\n";
  }

  void write_pass(size_t pass, std::string& body) {
    std::string sums, loads, each, stores, afterwards;
    for (size_t i = 0; i < steps_.steps.size(); ++i) {
      const KernelStep& step = steps_.steps[i];
      if (!is_read(i) || first_pass(i) != pass) continue;
      const std::string declared = "const " + std::string(step.type) + " " + variable(i) + " = ";
      if (step.kind == Kind::kRow) {
        body += "  " + declared + text(step) + ";\n";
      } else if (step.kind == Kind::kSum || step.kind == Kind::kMax) {
        write_sum(i, body, each, afterwards);
      } else if (step.kind == Kind::kEach || !is_row(step)) {
        const std::string value = step.kind == Kind::kEach ? text(step) : load(step, loads);
        each += "      " + declared + value + ";\n";
        if (is_kept(i)) keep(i, each);
      }
    }
    for (size_t result = 0; result < steps_.outputs.size(); ++result) {
      const size_t step = steps_.outputs[result];
      if (first_pass(step) != pass) continue;
      if (!is_row(steps_.steps[step])) {
        store(result, variable(step), loads, each, stores);
      } else if (layout_.has_rows) {
        stores_of_rows_ += "  if (t == 0) " + to_stored(result, "[at_" + output(result) + "]", variable(step));
      }
    }
    if (!each.empty())
      body += loop(loads + "    #pragma unroll\n    for (unsigned j = 0; j < " + number_text(width_) + "u; ++j) {\n" +
                   each + "    }\n" + stores);
    body += afterwards;
    if (pass + 1 == steps_.passes) body += stores_of_rows_;
  }

  /// Over the elements of this thread; k is the place of the first one in its row.
  std::string loop(const std::string& statements) const {
    if (!layout_.has_rows) return "  {\n" + statements + "  }\n";
    const std::string first =
        "    const unsigned k = (c * " + number_text(threads_) + "u + t) * " + number_text(width_) + "u;\n";
    const bool is_full = chunks_ * threads_ * width_ == length_;
    return "  #pragma unroll\n  for (unsigned c = 0; c < " + number_text(chunks_) + "u; ++c) {\n" + first +
           (is_full ? "" : "    if (k >= " + number_text(length_) + "u) continue;\n") + statements + "  }\n";
  }

  void write_sum(size_t index, std::string& body, std::string& each, std::string& afterwards) const {
    const KernelStep& step = steps_.steps[index];
    const std::string type(step.type), name = variable(index), operand = text(step);
    const bool is_sum = step.kind == Kind::kSum;
    body +=
        "  " + type + " part" + std::to_string(index) + " = " + (is_sum ? "0" : "-infinity<" + type + ">()") + ";\n";
    const std::string part = "part" + std::to_string(index);
    each +=
        "      " + part + " = " + (is_sum ? part + " + " + operand : "larger(" + part + ", " + operand + ")") + ";\n";
    afterwards += "  const " + type + " " + name + " = row_" + (is_sum ? "sum<" : "max<") + number_text(threads_) +
                  ">(" + part + ");\n";
  }

  void keep(size_t step, std::string& each) {
    const std::string name = "kept" + std::to_string(step);
    arrays_ += "  " + std::string(steps_.steps[step].type) + " " + name + "[" +
               number_text(std::max<int64_t>(1, chunks_)) + "][" + number_text(width_) + "];\n";
    each += "      " + name + "[c][j] = " + variable(step) + ";\n";
  }

  std::string place(const std::string& name, const KernelOperand& operand, const std::string& element) {
    if (operand.strides[last_] == 0) return "at_" + name;
    if (operand.strides[last_] == 1) return "at_" + name + " + " + element;
    return "at_" + name + " + (" + element + ") * " + number(operand.strides[last_]);
  }

  std::string load(const KernelStep& step, std::string& loads) {
    const KernelOperand& operand = layout_.inputs[step.input];
    const std::string name = input(step.input);
    const auto place_of = [&](const std::string& element) {
      if (step.half == 0) return place(name, operand, element);
      return place(name, operand,
                   "(" + element + " + " + number_text(step.half) + "u) % " + number_text(length_) + "u");
    };
    if (width_ == 1 || !is_vector(operand, width_) || step.half % width_ != 0)
      return "wide(" + name + "[" + place_of("k + j") + "])";
    const std::string many = (step.half == 0 ? "many_" : "many_elsewhere_") + name;
    loads += "    const auto " + many + " = load<" + number_text(width_) + ">(" + name + " + " + place_of("k") + ");\n";
    return "wide(" + many + ".of[j])";
  }

  std::string to_stored(size_t result, const std::string& place, const std::string& value) const {
    return output(result) + place + " = As<" + std::string(layout_.outputs[result].type) + ">::of(" + value + ");\n";
  }

  void store(size_t result, const std::string& value, std::string& loads, std::string& each, std::string& stores) {
    const KernelOperand& operand = layout_.outputs[result];
    const std::string name = output(result), type(operand.type);
    if (width_ == 1 || !is_vector(operand, width_)) {
      each += "      " + to_stored(result, "[" + place(name, operand, "k + j") + "]", value);
      return;
    }
    loads += "    Many<" + type + ", " + number_text(width_) + "> many_" + name + ";\n";
    each += "      many_" + name + ".of[j] = As<" + type + ">::of(" + value + ");\n";
    stores += "    store(" + name + " + " + place(name, operand, "k") + ", many_" + name + ");\n";
  }

  const KernelSteps& steps_;
  const KernelLayout& layout_;
  const KernelDevice& device_;
  bool is_for_any_size_;
  size_t last_ = 0;                             ///< the axis along which elements lie side by side
  int64_t length_ = 0;                          ///< of it
  int64_t width_ = 1;                           ///< elements that a thread reads at once
  int64_t threads_ = 1;                         ///< of a row
  int64_t chunks_ = 1;                          ///< of `width_` elements that a thread has of a row
  std::vector<std::vector<size_t>> needed_in_;  ///< the passes that read a step
  std::string prologue_, arrays_, stores_of_rows_;
  KernelSource source_{};
};

}  // namespace

KernelSource kernel_source(const KernelSteps& steps, const KernelLayout& layout, const KernelDevice& device,
                           bool is_for_any_size) {
  return Writer(steps, layout, device, is_for_any_size).write();
}

}  // namespace tracejet::aten
