// What braid uses of LibTorch. Lighter than torch/torch.h, which brings data loaders, optimizers,
// the JIT and serialization as well and makes every file take half as long again to compile.
#pragma once
#include <torch/autograd.h>
#include <torch/cuda.h>
#include <torch/nn.h>
#include <torch/types.h>
#include <torch/version.h>
