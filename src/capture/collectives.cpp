// What torch.distributed's functions call, done with the functional collectives that a program can hold.
#include "capture/collectives.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include <ATen/ops/cat.h>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/Work.hpp>

#include "base/error.h"
#include "symbolic/sym_node.h"

namespace tracejet {

namespace {

using Tensors = std::vector<at::Tensor>;

/// What the caller waits for: a program's collectives have waited already.
class Done final : public c10d::Work {
 public:
  Done() { finish(); }
};

/// The arguments of one call, read by name.
class Arguments {
 public:
  Arguments(const c10::OperatorHandle& op, const torch::jit::Stack& stack) : schema_(op.schema()), stack_(stack) {}

  const c10::IValue& operator[](std::string_view name) const {
    const auto& declared = schema_.arguments();
    for (size_t i = 0; i < declared.size(); ++i) {
      if (declared[i].name() == name) return torch::jit::peek(stack_, i, declared.size());
    }
    throw Error("this version of PyTorch calls it without '" + std::string(name) + "'", ErrorCode::kInternalError);
  }

  at::Tensor tensor(std::string_view name) const { return (*this)[name].toTensor(); }
  Tensors tensors(std::string_view name) const { return (*this)[name].toTensorVector(); }
  /// The one list of a Tensor[][]: a process has one device each.
  Tensors only_list(std::string_view name) const {
    const auto lists = (*this)[name].toListRef();
    if (lists.size() != 1)
      throw UnsupportedOperator("communicates for several devices of one process", ErrorCode::kCollective);
    return lists[0].toTensorVector();
  }
  std::string group() const { return process_group()->getGroupName(); }
  int64_t group_size() const { return process_group()->getSize(); }
  std::string reduction() const;

 private:
  c10::intrusive_ptr<c10d::ProcessGroup> process_group() const {
    return (*this)["process_group"].toCustomClass<c10d::ProcessGroup>();
  }

  const c10::FunctionSchema& schema_;
  const torch::jit::Stack& stack_;
};

std::string Arguments::reduction() const {
  switch ((*this)["reduce_op"].toCustomClass<c10d::ReduceOp>()->op_) {
    case c10d::ReduceOp::SUM:
      return "sum";
    case c10d::ReduceOp::AVG:
      return "avg";
    case c10d::ReduceOp::PRODUCT:
      return "product";
    case c10d::ReduceOp::MIN:
      return "min";
    case c10d::ReduceOp::MAX:
      return "max";
    case c10d::ReduceOp::BAND:
      return "band";
    case c10d::ReduceOp::BOR:
      return "bor";
    case c10d::ReduceOp::BXOR:
      return "bxor";
    default:
      throw UnsupportedOperator("reduces in a way that no functional collective has; use SUM, AVG, MIN or MAX",
                                ErrorCode::kCollective);
  }
}

/// The result of a functional collective, once it is there.
template <typename... Given>
at::Tensor collected(const char* name, Given... given) {
  c10::Dispatcher& dispatcher = c10::Dispatcher::singleton();
  torch::jit::Stack stack{c10::IValue(given)...};
  dispatcher.findSchemaOrThrow((std::string("_c10d_functional::") + name).c_str(), "").callBoxed(stack);
  dispatcher.findSchemaOrThrow("_c10d_functional::wait_tensor", "").callBoxed(stack);
  return stack.back().toTensor();
}

/// Writes the elements of `from`, in their order, to `to`.
void write(const at::Tensor& to, const at::Tensor& from) {
  const auto sizes = to.sym_sizes();
  to.copy_(std::ranges::equal(sizes, from.sym_sizes(), symbolic::is_statically_equal) ? from
                                                                                      : from.reshape_symint(sizes));
}

/// Writes consecutive pieces of `from` along its first axis, of `lengths`, to all of `to`.
void write_pieces(const Tensors& to, const at::Tensor& from, const std::vector<c10::SymInt>& lengths) {
  c10::SymInt start = 0;
  for (size_t i = 0; i < to.size(); ++i) {
    const c10::SymInt end = start + lengths[i];
    write(to[i], from.slice_symint(0, start, end));
    start = end;
  }
}

/// Collectives join and divide tensors along the first axis, so there has to be one.
at::Tensor with_axis(const at::Tensor& tensor) { return tensor.dim() == 0 ? tensor.reshape({1}) : tensor; }

at::Tensor concatenated(const Tensors& tensors) {
  Tensors pieces;
  for (const at::Tensor& tensor : tensors) pieces.push_back(with_axis(tensor));
  return at::cat(pieces);
}

std::vector<c10::SymInt> lengths_of(const Tensors& tensors) {
  std::vector<c10::SymInt> result;
  for (const at::Tensor& tensor : tensors) result.push_back(with_axis(tensor).sym_size(0));
  return result;
}

void check_alike(const Tensors& tensors, const at::Tensor& like) {
  for (const at::Tensor& tensor : tensors) {
    if (tensor.sym_numel() == like.sym_numel() && tensor.dim() == like.dim()) continue;
    throw UnsupportedOperator("exchanges tensors of different sizes; pad them to one size", ErrorCode::kCollective);
  }
}

void all_reduce(const Arguments& given) {
  for (const at::Tensor& tensor : given.tensors("tensors")) {
    write(tensor, collected("all_reduce", tensor, given.reduction(), given.group()));
  }
}

void broadcast(const Arguments& given) {
  for (const at::Tensor& tensor : given.tensors("tensors")) {
    write(tensor, collected("broadcast", tensor, given["root_rank"].toInt(), given.group()));
  }
}

at::Tensor gathered(const Arguments& given, const at::Tensor& input) {
  return collected("all_gather_into_tensor", with_axis(input), given.group_size(), given.group());
}

void all_gather(const Arguments& given) {
  const Tensors outputs = given.only_list("output_tensors"), inputs = given.tensors("input_tensors");
  check_alike(outputs, inputs.at(0));
  write_pieces(outputs, gathered(given, inputs[0]), lengths_of(outputs));
}

void all_gather_into_one(const Arguments& given) {
  write(given.tensor("output_tensor"), gathered(given, given.tensor("input_tensor")));
}

void all_gather_into_each(const Arguments& given) {
  const Tensors outputs = given.tensors("outputs"), inputs = given.tensors("inputs");
  for (size_t i = 0; i < outputs.size(); ++i) write(outputs[i], gathered(given, inputs.at(i)));
}

at::Tensor scattered(const Arguments& given, const at::Tensor& input) {
  return collected("reduce_scatter_tensor", input, given.reduction(), given.group_size(), given.group());
}

void reduce_scatter(const Arguments& given) {
  const Tensors outputs = given.tensors("output_tensors"), inputs = given.only_list("input_tensors");
  check_alike(inputs, outputs.at(0));
  write(outputs[0], scattered(given, concatenated(inputs)));
}

void reduce_scatter_one(const Arguments& given) {
  write(given.tensor("output_tensor"), scattered(given, given.tensor("input_tensor")));
}

void reduce_scatter_each(const Arguments& given) {
  const Tensors outputs = given.tensors("outputs"), inputs = given.tensors("inputs");
  for (size_t i = 0; i < outputs.size(); ++i) write(outputs[i], scattered(given, inputs.at(i)));
}

void all_to_all(const Arguments& given) {
  const Tensors outputs = given.tensors("output_tensors"), inputs = given.tensors("input_tensors");
  const std::vector<c10::SymInt> lengths = lengths_of(outputs);
  write_pieces(outputs,
               collected("all_to_all_single", concatenated(inputs), lengths, lengths_of(inputs), given.group()),
               lengths);
}

/// Splits that aren't given are equal parts.
std::vector<c10::SymInt> splits(const c10::IValue& declared, const at::Tensor& tensor, int64_t parts) {
  const std::vector<int64_t> given = declared.toIntVector();
  if (!given.empty()) return {given.begin(), given.end()};
  return std::vector<c10::SymInt>(static_cast<size_t>(parts), tensor.sym_size(0) / parts);
}

void all_to_all_of_one(const Arguments& given) {
  const at::Tensor output = given.tensor("output"), input = given.tensor("input");
  const int64_t parts = given.group_size();
  write(output, collected("all_to_all_single", input, splits(given["output_split_sizes"], output, parts),
                          splits(given["input_split_sizes"], input, parts), given.group()));
}

using Collective = void (*)(const Arguments&);

/// Null where there is no functional form.
Collective find_collective(const std::string& name) {
  static const std::map<std::string_view, Collective> all = {
      {"c10d::_allgather_base_", &all_gather_into_one},
      {"c10d::_reduce_scatter_base_", &reduce_scatter_one},
      {"c10d::allgather_", &all_gather},
      {"c10d::allgather_into_tensor_coalesced_", &all_gather_into_each},
      {"c10d::allreduce_", &all_reduce},
      {"c10d::allreduce_coalesced_", &all_reduce},
      {"c10d::alltoall_", &all_to_all},
      {"c10d::alltoall_base_", &all_to_all_of_one},
      {"c10d::broadcast_", &broadcast},
      {"c10d::reduce_scatter_", &reduce_scatter},
      {"c10d::reduce_scatter_tensor_coalesced_", &reduce_scatter_each},
  };
  const auto found = all.find(name);
  return found == all.end() ? nullptr : found->second;
}

/// The functional forms of torch.distributed, up to 2.15, that are functional in name only.
bool is_between_two(const std::string& name) {
  static constexpr std::array<std::string_view, 3> names = {"_c10d_functional::batch_p2p_ops",
                                                            "_c10d_functional::irecv", "_c10d_functional::isend"};
  return std::ranges::find(names, name) != names.end();
}

/// What the collective returns: its first argument where it returns tensors at all, and what to wait for.
void push_results(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const size_t count = op.schema().arguments().size();
  c10::IValue written = torch::jit::peek(stack, 0, count);
  torch::jit::drop(stack, count);
  if (op.schema().returns().size() > 1) stack.push_back(std::move(written));
  stack.emplace_back(c10::intrusive_ptr<c10d::Work>(c10::make_intrusive<Done>()));
}

}  // namespace

bool is_collective(const c10::OperatorHandle& op) {
  const std::string& name = op.operator_name().name;
  return name.starts_with("c10d::") || name == "_c10d_functional::_wrap_tensor_autograd" || is_between_two(name);
}

void call_collective(const c10::OperatorHandle& op, torch::jit::Stack& stack) {
  const std::string& name = op.operator_name().name;
  if (name == "_c10d_functional::_wrap_tensor_autograd") {
    return c10::Dispatcher::singleton().findSchemaOrThrow("_c10d_functional::wait_tensor", "").callBoxed(stack);
  }
  const Collective collective = find_collective(name);
  if (collective == nullptr) {
    throw UnsupportedOperator(
        "has no functional form that a program could hold; of torch.distributed's communication, a program can have "
        "all_reduce, all_gather, reduce_scatter, all_to_all and broadcast",
        ErrorCode::kCollective);
  }
  collective(Arguments(op, stack));
  push_results(op, stack);
}

}  // namespace tracejet
