#include "braid/tasks/task.h"

#include "braid/data/run_fields.h"

namespace braid::tasks {

void EvaluateOptions::visit(FieldVisitor& v) {
  v.field("batch_size", batch_size, "examples per forward pass", {.least = 1, .most = 65536});
  v.field(data::workers_field(), workers);
  v.field(data::dtype_field(), dtype);
  v.field(data::on_bad_sample_field(), on_bad_sample);
}

}  // namespace braid::tasks
