#include "braid/tasks/config.h"

#include "braid/data/run_fields.h"
#include "braid/tasks/class_balance.h"

namespace braid::tasks {

void ImageOptions::visit(FieldVisitor& v) {
  v.field("img_size", img_size,
          "pixels; unset: the data's own up to 64 pixels, else the model's or less", {.least = 1});
  v.field(
      "whiten_stem", whiten_stem,
      "images: the first convolution begins by whitening training images, in architectures made "
      "for it (airbench, airvit)");
  v.field("channels_last", channels_last, "channels-last memory for images and convolutions");
  v.field(data::max_image_pixels_field(), max_image_pixels);
  augment.visit(v);
}

void TextOptions::visit(FieldVisitor& v) {
  v.field("max_length", max_length,
          "tokens of a text, longer ones are cut; unset: what most texts have, up to the model's",
          {.least = 3});
  v.field("tokenizer", tokenizer,
          "tokenizer.json, vocab.txt, a SentencePiece model or a folder with one; empty: that of "
          "the weights, else one is learned from the training texts");
  v.field("vocab_size", vocab_size, "tokens of a tokenizer that is learned", {.least = 300});
  v.field("word_drop", word_drop,
          "text_classification: share of the words left out at random in training, 0: none",
          {.least = 0, .below = 1});
  v.field("mlm_probability", mlm_probability, "masked_lm: share of the tokens that are hidden",
          {.above = 0, .below = 1});
  v.field("whole_word_mask", whole_word_mask, "masked_lm: hide whole words");
  v.field("next_sentence", next_sentence,
          "masked_lm: also tell whether a second text follows the first, as BERT was trained");
  v.field("generator_hidden_size", generator_hidden_size,
          "replaced_token_detection: channels of the generator, as a share of the discriminator's",
          {.most = 1, .above = 0});
  v.field("disc_weight", disc_weight,
          "replaced_token_detection: weight of the discriminator's loss beside the generator's",
          {.above = 0});
}

void QuestionOptions::visit(FieldVisitor& v) {
  v.field("doc_stride", doc_stride,
          "question_answering: tokens that two windows of a long text share", {.least = 0});
  v.field("n_best_size", n_best_size,
          "question_answering: begins and ends of each window that are tried with each other",
          {.least = 1, .most = 1000});
  v.field("max_answer_length", max_answer_length, "question_answering: most tokens of an answer",
          {.least = 1});
  v.field("null_score_diff_threshold", null_score_diff_threshold,
          "question_answering: by how much no answer must beat the best one, where the data has "
          "questions without");
}

void TranslationOptions::visit(FieldVisitor& v) {
  v.field("source_lang", source_lang,
          "translation: suffix of the files that are translated; empty: told by the files' names");
  v.field("target_lang", target_lang, "translation: suffix of their translations");
  v.field("max_tokens", max_tokens,
          "translation: most tokens of a batch's sources and of its targets, padding too, in place "
          "of batch_size; 0: batch_size pairs",
          {.least = 0});
  v.field("tokenizer_type", tokenizer_type,
          "translation: what is learned where there is no tokenizer",
          {.choices = {"unigram", "bpe"}});
  v.field("num_beams", num_beams, "translation: beams of the checkpoint's `braid translate`",
          {.least = 1, .most = 100});
  v.field("length_penalty", length_penalty,
          "translation: of the checkpoint's beam search, above 1: longer texts",
          {.least = -10, .most = 10});
  v.field("val_bleu_pairs", val_bleu_pairs,
          "translation: pairs of val that are translated in each evaluation, 0: none, and the loss "
          "chooses the best epoch",
          {.least = 0});
  v.field("val_num_beams", val_num_beams, "translation: beams of these, 1: greedy",
          {.least = 1, .most = 100});
}

void DistillationOptions::visit(FieldVisitor& v) {
  v.field("teacher", teacher,
          "distillation: the teacher's checkpoint, a folder or hf-hub:OWNER/NAME; empty: none");
  v.field("distillation_type", distillation_type, "hard: DeiT's", {.choices = {"hard", "soft"}});
  v.field("distillation_alpha", distillation_alpha, "weight of the distillation loss",
          {.least = 0, .most = 1});
  v.field("distillation_tau", distillation_tau, "temperature of soft distillation", {.above = 0});
}

void TaskConfig::visit(FieldVisitor& v) {
  v.field("model", model, "architecture (required), see `braid models`");
  v.field("data", data, "dataset (required): a name, a folder or a file of texts");
  v.field("task", task, "what is learned; auto: what the data is for",
          {.choices = {kAutoTask, kImageClassification, kTextClassification, kTokenClassification,
                       kMaskedLm, kReplacedTokenDetection, kQuestionAnswering, kTranslation}});
  v.field("weights", weights,
          "initial weights: a .safetensors file, a folder, or hf-hub:OWNER/NAME; empty: random");
  v.field("val_fraction", val_fraction,
          "share of train that validates where the data has no val split",
          {.least = 0, .below = 1});
  v.field("drop", drop, "dropout, 0: none", {.least = 0, .below = 1});
  v.field("attn_drop", attn_drop, "attention dropout, 0: none", {.least = 0, .below = 1});
  v.field("drop_path", drop_path, "stochastic depth, 0: none", {.least = 0, .below = 1});
  v.field("smoothing", smoothing, "label smoothing, 0: off", {.least = 0, .below = 1});
  v.field("class_weights", class_weights,
          "balanced: every class weighs alike in the loss, whatever it has of items",
          {.choices = {kNoClassWeights, kBalancedClassWeights}});
  v.field("sampler", sampler,
          "order of an epoch; balanced: as many items, drawn with replacement, every class as "
          "often as any other",
          {.choices = {kRandomSampler, kBalancedSampler}});
  image.visit(v);
  text.visit(v);
  question.visit(v);
  translation.visit(v);
  distillation.visit(v);
}

void validate(const TaskConfig& config) {
  check_fields(config, "train");
  check_utf8(config, "train");
  data::validate(config.image.augment);
  check_balance(config.class_weights, config.sampler, "train");
}

}  // namespace braid::tasks
