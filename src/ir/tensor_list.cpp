#include "ir/tensor_list.h"

#include <ATen/core/List.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/jit_type.h>

namespace tracejet {

bool takes_optional_tensors(const c10::Argument& declared) {
  const auto list = declared.type()->cast<c10::ListType>();
  return list != nullptr && list->getElementType()->kind() == c10::TypeKind::OptionalType;
}

c10::IValue tensor_list(const c10::Argument& declared, const std::vector<std::optional<at::Tensor>>& tensors) {
  if (takes_optional_tensors(declared)) {
    c10::List<std::optional<at::Tensor>> list;
    for (const auto& tensor : tensors) list.push_back(tensor);
    return list;
  }
  std::vector<at::Tensor> list;
  for (const auto& tensor : tensors) list.push_back(tensor.value_or(at::Tensor()));
  return list;
}

}  // namespace tracejet
