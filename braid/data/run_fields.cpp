#include "braid/data/run_fields.h"

namespace braid::data {

Field dtype_field() {
  return {"dtype",
          "precision; auto: bfloat16 where the processor multiplies it natively",
          {.choices = {"float32", "bfloat16", "auto"}}};
}

Field device_field() {
  return {"device", "where it computes", {.choices = {"cpu", "cuda", "cuda:N"}}};
}

Field workers_field() {
  return {"workers",
          "loader threads, 0: load in the computing thread",
          {.least = 0, .most = kMostThreads, .free_on_resume = true}};
}

Field threads_field() {
  return {"threads",
          "compute threads, 0: one per core that the process may use",
          {.least = 0, .most = kMostThreads}};
}

Field on_bad_sample_field() {
  return {"on_bad_sample",
          "an image or a text that cannot be read",
          {.choices = {"error", "skip"}, .free_on_resume = true}};
}

Field truncate_field() {
  return {"truncate",
          "read the beginning of a text that is longer than the model reads, and say so; else it "
          "is an error"};
}

Field max_image_pixels_field() {
  return {"max_image_pixels",
          "pixels of the largest image that is read; a larger one is refused by its header",
          {.least = 1, .free_on_resume = true}};
}

}  // namespace braid::data
