#include <iostream>

#include <tracejet/version.h>

int main() { std::cout << tracejet::version() << '\n'; }
