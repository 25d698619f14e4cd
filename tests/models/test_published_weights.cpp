// Where published weights lie, held against timm's registry. See generate_published_weights.py.
#include "braid/models/published_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "braid/core/error.h"
#include "braid/models/registry.h"

namespace braid::models {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PublishedWeights, AreThoseThatTimmTakes) {
  const Json timm =
      Json::parse(std::ifstream(BRAID_TEST_SOURCE_DIR "/models/fixtures/published_weights.json"));
  for (const auto& entry : registry().entries()) {
    if (entry.transformers) continue;
    const auto found = find_published_weights(entry.name);
    if (timm.contains(entry.name))
      EXPECT_EQ(found, "hf-hub:" + timm.at(entry.name).get<std::string>()) << entry.name;
    else
      EXPECT_FALSE(found) << entry.name;
  }
}

TEST(PublishedWeights, OfTextsAreTheAuthors) {
  EXPECT_EQ(published_weights("bert_base"), "hf-hub:google-bert/bert-base-uncased");
  EXPECT_EQ(published_weights("distilbert_base"), "hf-hub:distilbert/distilbert-base-uncased");
  EXPECT_FALSE(find_published_weights("bert_tiny_cnn"));
}

TEST(PublishedWeights, ATagInTheNameChoosesAmongTimms) {
  EXPECT_EQ(published_weights("resnet18"), "hf-hub:timm/resnet18.a1_in1k");
  EXPECT_EQ(published_weights("resnet18.a2_in1k"), "hf-hub:timm/resnet18.a2_in1k");
  EXPECT_FALSE(find_published_weights("bert_base.cased"));
}

TEST(PublishedWeights, WithoutAnyThoseThatHaveSomeAreNamed) {
  const auto message = [](const std::string& name) {
    try {
      published_weights(name);
    } catch (const UsageError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_THAT(message("airbench_nano"),
              AllOf(HasSubstr("got 'airbench_nano' (--pretrained)"), HasSubstr("these have: "),
                    HasSubstr("resnet18"), Not(HasSubstr("bert_base"))));
  EXPECT_THAT(message("textcnn"), AllOf(HasSubstr("bert_base"), Not(HasSubstr("resnet18"))));
  EXPECT_THAT(message("braidnet:stem=conv3x3s2*2,48|C2x64"), HasSubstr("published weights"));
  EXPECT_THAT(message("transformer_tiny"), HasSubstr("no encoder-decoder has any"));
  EXPECT_THROW(published_weights("resnet81"), UsageError);
}

}  // namespace
}  // namespace braid::models
