// Compiles the program of a .pt2 file, and keeps what was compiled in another one.
#include <ATen/ops/randn.h>

#include <tracejet/compile.h>
#include <tracejet/io.h>

int main() {
  const tracejet::Program program = tracejet::load("program.pt2");
  const auto compiled = tracejet::compile(program);
  compiled.save("compiled.pt2");
  const auto again = tracejet::load_compiled("compiled.pt2");  // report().notes says what was compiled again
  const auto outputs = again.run({at::randn({5, 16})});
}
