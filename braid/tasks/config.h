// What is trained on what: the part of a run's settings that its task decides. Field names are
// timm's flags.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "braid/core/config.h"
#include "braid/data/image/transforms.h"

namespace braid::tasks {

// What the fields mean and may be stands in their visit().

// Names of tasks, as Task::name() gives them.
inline constexpr const char* kAutoTask = "auto";  // what the data is for
inline constexpr const char* kImageClassification = "image_classification";
inline constexpr const char* kTextClassification = "text_classification";
inline constexpr const char* kTokenClassification = "token_classification";
inline constexpr const char* kMaskedLm = "masked_lm";
inline constexpr const char* kReplacedTokenDetection = "replaced_token_detection";
inline constexpr const char* kQuestionAnswering = "question_answering";
inline constexpr const char* kTranslation = "translation";

// What belongs to images.
struct ImageOptions {
  std::optional<int64_t> img_size;
  bool channels_last = true;
  bool whiten_stem = false;
  int64_t max_image_pixels = io::kMaxImagePixels;
  data::AugmentConfig augment;
  void visit(FieldVisitor& v);
};

// What belongs to texts.
struct TextOptions {
  std::optional<int64_t> max_length;
  std::string tokenizer;
  int64_t vocab_size = 8000;
  double word_drop = 0;
  double mlm_probability = 0.15;
  bool whole_word_mask = false;
  bool next_sentence = false;
  double generator_hidden_size = 0.25;
  double disc_weight = 50;
  void visit(FieldVisitor& v);
};

// What belongs to questions whose answers stand in a text.
struct QuestionOptions {
  int64_t doc_stride = 128;
  int64_t n_best_size = 20;
  int64_t max_answer_length = 30;
  double null_score_diff_threshold = 0;
  void visit(FieldVisitor& v);
};

// What belongs to translation.
struct TranslationOptions {
  std::string source_lang, target_lang;
  int64_t max_tokens = 0;
  std::string tokenizer_type = "unigram";
  int64_t num_beams = 5;
  double length_penalty = 1;
  int64_t val_bleu_pairs = 500;
  int64_t val_num_beams = 1;
  void visit(FieldVisitor& v);
};

struct DistillationOptions {
  std::string teacher;
  std::string distillation_type = "hard";
  double distillation_alpha = 0.5;
  double distillation_tau = 1.0;
  void visit(FieldVisitor& v);
};

struct TaskConfig {
  std::string model;
  std::string data;
  std::string task = kAutoTask;
  std::string weights;
  double val_fraction = 0.1;
  double drop = 0;
  double attn_drop = 0;
  double drop_path = 0;
  double smoothing = 0.0;
  std::string class_weights = "none";
  std::string sampler = "random";
  ImageOptions image;
  TextOptions text;
  QuestionOptions question;
  TranslationOptions translation;
  DistillationOptions distillation;
  void visit(FieldVisitor& v);  // all fields flat, those of the nested structs too
};

// Throws ConfigError naming the field and what it may be.
void validate(const TaskConfig& config);

}  // namespace braid::tasks
