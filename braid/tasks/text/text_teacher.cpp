#include "braid/tasks/text/text_teacher.h"

#include <fmt/format.h>

#include "braid/core/error.h"
#include "braid/models/checkpoint.h"
#include "braid/runtime/device.h"
#include "braid/tasks/class_names.h"
#include "braid/tasks/text/text_classifier.h"

namespace braid::tasks {
namespace {

class TextTeacher final : public Teacher {
 public:
  TextTeacher(models::TextEncoderPtr model, torch::Tensor order)
      : model_(std::move(model)), order_(std::move(order)) {}
  void to(const torch::Device& device) override { model_->to(device); }
  torch::Tensor logits(const data::Batch& batch) const override {
    const torch::NoGradGuard no_grad;
    return model_->forward(text_input(batch))
        .to(torch::kFloat)
        .index_select(1, order_.to(runtime::device_of(*model_)));
  }

 private:
  models::TextEncoderPtr model_;  // in eval mode
  torch::Tensor order_;           // [K]: of the student's classes among its own
};

bool read_the_same_tokens(const text::Tokenizer& a, const text::Tokenizer& b) {
  constexpr const char* kProbe = "Déjà Vu, 12 straße!";  // case, accents, digits
  if (a.vocab_size() != b.vocab_size()) return false;
  for (int32_t id = 0; id < a.vocab_size(); ++id)
    if (a.id_to_token(id) != b.id_to_token(id)) return false;
  return a.encode(kProbe).ids == b.encode(kProbe).ids;
}

}  // namespace

std::unique_ptr<Teacher> load_text_teacher(const std::string& teacher,
                                           const TokenizedModel& student, Progress& progress) {
  const auto folder = models::find_checkpoint(teacher, progress);
  const auto loaded = load_text_classifier(folder);
  const auto &names = loaded.hub.classes, &wanted = student.hub.classes;
  const auto order = order_by_name(names, wanted);
  if (names != wanted && !order)
    refuse_teachers_classes(names, loaded.model->num_labels(), std::ssize(wanted), teacher);
  if (!read_the_same_tokens(*loaded.tokenizer, *student.tokenizer))
    throw DataError("train",
                    "expected a teacher that reads the student's tokens, got another vocabulary",
                    teacher, "give the student the teacher's: --tokenizer " + folder.string());
  const int64_t most = loaded.model->max_positions();
  if (most > 0 && student.max_length > most)
    throw DataError("train",
                    fmt::format("expected a teacher of texts of {} tokens, got one of {} at most",
                                student.max_length, most),
                    teacher, fmt::format("give --max-length {}", most));
  return std::make_unique<TextTeacher>(
      loaded.model,
      order ? *order : torch::arange(static_cast<int64_t>(wanted.size()), torch::kInt64));
}

}  // namespace braid::tasks
