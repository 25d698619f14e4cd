// The kernels of each instruction set; those of another family of processors are not compiled.
#pragma once
#include "braid/runner/kernels/kernels.h"

namespace braid::runner {

const Kernels& baseline_kernels();
const Kernels& avx2_kernels();
const Kernels& avx512_kernels();
const Kernels& avx512vnni_kernels();

}  // namespace braid::runner
