#include "capture/alias_tracking.h"

#include <algorithm>

#include "base/error.h"

namespace tracejet {

namespace {

const c10::StorageImpl* storage_of(const at::Tensor& functional) {
  return functional.unsafeGetTensorImpl()->unsafe_storage().unsafeGetStorageImpl();
}

bool meet(const std::unordered_set<const c10::StorageImpl*>& a, const std::unordered_set<const c10::StorageImpl*>& b) {
  return std::ranges::any_of(a, [&](const c10::StorageImpl* storage) { return b.contains(storage); });
}

}  // namespace

const AliasTracking::Memory* AliasTracking::find(const at::Tensor& tensor) const {
  const auto found = memory_.find(storage_of(tensor));
  return found == memory_.end() ? nullptr : &found->second;
}

AliasTracking::Memory& AliasTracking::memory_of(const at::Tensor& tensor) {
  const c10::StorageImpl* storage = storage_of(tensor);
  const auto [entry, is_new] = memory_.try_emplace(storage);
  if (is_new) entry->second = {tensor.unsafeGetTensorImpl()->unsafe_storage(), {storage}, std::nullopt};
  return entry->second;
}

bool AliasTracking::may_share(const at::Tensor& a, const at::Tensor& b) const {
  if (storage_of(a) == storage_of(b)) return true;
  const Memory *left = find(a), *right = find(b);
  if (left != nullptr && right != nullptr) return meet(left->origins, right->origins);
  return (left != nullptr && left->origins.contains(storage_of(b))) ||
         (right != nullptr && right->origins.contains(storage_of(a)));
}

void AliasTracking::add_subgraph(const Graph& subgraph, const std::vector<at::Tensor>& results,
                                 const std::vector<at::Tensor>& operands,
                                 const std::vector<std::pair<at::Tensor, at::Tensor>>& outside) {
  std::vector<ResultAliases> all(results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    for (size_t j = 0; j < operands.size(); ++j) {
      if (may_share(results[i], operands[j])) all[i].operands.push_back(j);
    }
    for (const auto& [tensor, inside] : outside) {
      if (may_share(results[i], inside)) all[i].outside.push_back(tensor);
    }
    for (size_t j = 0; j < i; ++j) {
      if (may_share(results[i], results[j])) all[i].results.push_back(j);
    }
  }
  of_subgraphs_[&subgraph] = std::move(all);
}

void AliasTracking::add(const at::Tensor& tensor, const at::Tensor& other) {
  const auto origins = memory_of(other).origins;
  memory_of(tensor).origins.insert(origins.begin(), origins.end());
}

void AliasTracking::note_write(const at::Tensor& tensor, const std::string& where) {
  const Memory* written = find(tensor);
  if (written == nullptr) return;
  for (auto& [storage, memory] : memory_) {
    if (&memory != written && !memory.written_at && meet(memory.origins, written->origins)) memory.written_at = where;
  }
}

void AliasTracking::check_content(const at::Tensor& tensor, const std::string& what) const {
  const Memory* memory = find(tensor);
  if (memory == nullptr || !memory->written_at) return;
  throw UnsupportedOperator(
      "a branch or loop body of control flow gives a tensor from outside of it (or a view of one, or the same tensor "
      "twice), so that the result may be that very memory, and one of the two is written in place; " +
          what + " would show it: let the branch give a clone()" +
          (memory->written_at->empty() ? "" : ". It is written here:\n" + *memory->written_at),
      ErrorCode::kControlFlow);
}

}  // namespace tracejet
