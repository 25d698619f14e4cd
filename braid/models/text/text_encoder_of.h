// What follows from the config struct of a text encoder, which has the fields `head` and
// `num_labels`.
#pragma once
#include <string>

#include "braid/core/error.h"
#include "braid/models/text/text_model.h"

namespace braid::models {

// Base: TextEncoder, or what several models have in common; its build_head(TextHead, num_labels)
// puts that head in the place of the one there is.
template <class Config, class Base>
class TextEncoderOf : public Base {
 public:
  Json config() const override { return to_json(config_); }
  TextHead head() const override { return head_; }
  int64_t num_labels() const override {
    if (head_ == TextHead::kQuestionAnswering) return 2;
    return classifies(head_) ? config_.num_labels : 0;
  }
  void reset_head(TextHead head, int64_t num_labels) override {
    if (!this->supports(head))
      throw UsageError("models", std::string("this model has no head ") + to_string(head));
    if (classifies(head)) {
      if (num_labels < 1) throw UsageError("models", "expected one class or more for a classifier");
      config_.num_labels = num_labels;
    }
    head_ = head;
    config_.head = to_string(head);
    this->build_head(head, config_.num_labels);
    this->train(this->is_training());  // the new modules too
  }

 protected:
  template <class... BaseArgs>
  explicit TextEncoderOf(const Config& config, const BaseArgs&... base)
      : Base(base...), config_(config), head_(parse_text_head(config.head)) {}

  Config config_;

 private:
  static bool classifies(TextHead head) {
    return head == TextHead::kSequenceClassification || head == TextHead::kTokenClassification;
  }
  TextHead head_;
};

}  // namespace braid::models
