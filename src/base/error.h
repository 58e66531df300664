#pragma once

#include <tracejet/error.h>  // the errors are part of the public API
