#include "braid/core/version.h"
#include <cstdio>
int main() { std::printf("braid %s\n", braid::version()); return 0; }
