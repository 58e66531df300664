#pragma once

// All of tracejet's C++ interface.
#include <tracejet/compile.h>
#include <tracejet/control_flow.h>
#include <tracejet/decompositions.h>
#include <tracejet/engine.h>
#include <tracejet/error.h>
#include <tracejet/input.h>
#include <tracejet/io.h>
#include <tracejet/nn_module.h>
#include <tracejet/program.h>
#include <tracejet/program_editor.h>
#include <tracejet/report.h>
#include <tracejet/structure.h>
#include <tracejet/torchscript.h>
#include <tracejet/trace.h>
#include <tracejet/verify.h>
#include <tracejet/version.h>
