// How fast the machine can compute.
#pragma once
#include <string>

#include "braid/torch.h"

namespace braid::runtime {

// Floating-point operations per second of the best of many products of large square matrices,
// with the threads that are set. dtype: as --dtype takes it.
double measure_peak_flops(const torch::Device& device, const std::string& dtype);

}  // namespace braid::runtime
