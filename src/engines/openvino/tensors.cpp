#include "engines/openvino/tensors.h"

#include <ATen/ops/empty.h>

#include "base/error.h"

namespace tracejet::openvino {

ov::element::Type element_type(at::ScalarType dtype) {
  switch (dtype) {
    case at::kBool:
      return ov::element::boolean;
    case at::kByte:
      return ov::element::u8;
    case at::kChar:
      return ov::element::i8;
    case at::kUInt16:
      return ov::element::u16;
    case at::kShort:
      return ov::element::i16;
    case at::kUInt32:
      return ov::element::u32;
    case at::kInt:
      return ov::element::i32;
    case at::kUInt64:
      return ov::element::u64;
    case at::kLong:
      return ov::element::i64;
    case at::kHalf:
      return ov::element::f16;
    case at::kBFloat16:
      return ov::element::bf16;
    case at::kFloat:
      return ov::element::f32;
    case at::kDouble:
      return ov::element::f64;
    default:
      throw UnsupportedOperator(std::string("OpenVINO has no data type for ") + c10::toString(dtype),
                                ErrorCode::kEngineRefusal);
  }
}

at::ScalarType scalar_type(ov::element::Type type) {
  for (const auto dtype : {at::kBool, at::kByte, at::kChar, at::kUInt16, at::kShort, at::kUInt32, at::kInt, at::kUInt64,
                           at::kLong, at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    if (element_type(dtype) == type) return dtype;
  }
  throw Error("OpenVINO gave an output of type " + type.get_type_name(), ErrorCode::kEngineFailure);
}

ov::Shape shape_of(at::IntArrayRef sizes) { return {sizes.begin(), sizes.end()}; }

ov::Tensor view_of(const at::Tensor& tensor) {
  if (tensor.numel() > 0 && tensor.storage().data() == nullptr) {
    throw InvalidInput("a tensor without data can't be run on", ErrorCode::kInputMismatch);
  }
  const auto type = element_type(tensor.scalar_type());
  if (tensor.numel() == 0) return empty_tensor(type, shape_of(tensor.sizes()));
  return {type, shape_of(tensor.sizes()), const_cast<void*>(tensor.const_data_ptr())};
}

ov::Tensor empty_tensor(ov::element::Type type, ov::Shape shape) {
  // OpenVINO refuses a null pointer, which is what PyTorch gives an empty tensor.
  static int64_t nothing = 0;
  return {type, std::move(shape), static_cast<void*>(&nothing)};
}

at::Tensor copy_of(const ov::Tensor& tensor) {
  const ov::Shape shape = tensor.get_shape();
  const std::vector<int64_t> sizes(shape.begin(), shape.end());
  at::Tensor copy = at::empty(sizes, at::TensorOptions(scalar_type(tensor.get_element_type())));
  // OpenVINO copies an element of an empty tensor, from where there is none.
  if (copy.numel() > 0) tensor.copy_to(view_of(copy));
  return copy;
}

}  // namespace tracejet::openvino
