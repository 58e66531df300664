#pragma once

#include <ATen/core/Tensor.h>
#include <openvino/core/shape.hpp>
#include <openvino/core/type/element_type.hpp>
#include <openvino/runtime/tensor.hpp>

/// PyTorch's tensors and data types as OpenVINO's, and back.
namespace tracejet::openvino {

/// Throws UnsupportedOperator where OpenVINO has none.
ov::element::Type element_type(at::ScalarType dtype);
at::ScalarType scalar_type(ov::element::Type type);

ov::Shape shape_of(at::IntArrayRef sizes);

/// The tensor's memory as OpenVINO sees it. The tensor must be contiguous and outlive the view.
ov::Tensor view_of(const at::Tensor& tensor);
/// A tensor without elements.
ov::Tensor empty_tensor(ov::element::Type type, ov::Shape shape);
at::Tensor copy_of(const ov::Tensor& tensor);

}  // namespace tracejet::openvino
