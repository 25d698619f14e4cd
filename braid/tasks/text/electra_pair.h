// The two networks of ELECTRA's pre-training as the one model that is trained.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "braid/models/model.h"
#include "braid/models/text/text_model.h"
#include "braid/models/weights.h"

namespace braid::models {
class Electra;
}

namespace braid::tasks {

// The discriminator under its own names, the generator under "generator."; the embeddings are both
// networks' and stand once. Saved weights are the discriminator's, with the generator's in a folder
// of its own, so that each is a model by itself.
class ElectraPair final : public models::Model, public models::ModelInParts {
 public:
  static constexpr const char* kGenerator = "generator";  // the module and the folder

  // discriminator: with the head pretraining; generator: with the head masked_lm, whose own
  // embeddings give way. Throws ConfigError where the two do not fit together.
  ElectraPair(std::shared_ptr<models::Electra> discriminator,
              std::shared_ptr<models::Electra> generator);

  models::TextEncoder& discriminator();
  models::TextEncoder& generator();
  // Both networks recompute their layers where this model is to.
  void pass_on_checkpointing();

  Json config() const override;  // the discriminator's
  std::vector<std::string> head_modules() const override;
  bool classifies() const override { return false; }
  int64_t layer_id(const std::string& parameter) const override;
  int64_t layer_count() const override;
  models::WeightPlace place_weight(const std::string& in_file) const override;
  std::vector<std::string> folders() const override { return {kGenerator}; }
  void train(bool on = true) override;

 private:
  std::shared_ptr<models::Electra> discriminator_, generator_;
};

// The config of a generator for a discriminator, as google-research/electra makes it: so much of
// its channels, four times as many in the feed-forward part, a head for 64 of them (or the next
// lower number that divides them), as many layers. share: above 0 and at most 1.
Json generator_config(const Json& discriminator, double share);

}  // namespace braid::tasks
