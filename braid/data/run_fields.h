// Fields that every config of a run over images has, with one spelling of their help and rules.
#pragma once
#include "braid/core/field.h"

namespace braid::data {

constexpr int64_t kMostThreads = 1024;    // of the loader, and computing
constexpr int64_t kMostAtOnce = 1 << 20;  // examples of a batch, batches of a step

Field dtype_field();          // float32, bfloat16, auto
Field device_field();         // cpu, cuda, cuda:N
Field workers_field();        // loader threads
Field threads_field();        // computing threads of who does not train
Field on_bad_sample_field();  // error, skip
Field max_image_pixels_field();
Field truncate_field();  // of who answers about texts

}  // namespace braid::data
