#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

/// The operators of control flow, which PyTorch has in Python only (`torch.ops.higher_order`). A node of one runs its
/// subgraphs(); all of them take tensors and give tensors. "additional" operands are what subgraphs take from outside,
/// the same in every run.
///
///   cond(pred, operands)             then, otherwise: operands -> results
///   while_loop(carried, additional)  condition: carried + additional -> a boolean
///                                    body:      carried + additional -> carried
///   scan(init, xs, additional)       combine:   carried + a slice of each x + additional -> carried + a slice of each
///   y map_impl(xs, additional)         body:      a slice of each x + additional -> a slice of each y
///   associative_scan(xs, additional) combine:   a slice of each x + another + additional -> a slice of each x
///
/// Slices are along axis 0, and don't have that axis. scan gives what is carried at the end, then each y.
namespace tracejet::control_flow {

c10::OperatorHandle cond();
c10::OperatorHandle while_loop();
c10::OperatorHandle scan();
c10::OperatorHandle map();
c10::OperatorHandle associative_scan();

}  // namespace tracejet::control_flow
