// What a comparison finds. results.json is the written form of Results (docs/results.schema.json);
// the kept runs of a comparison are those of its parts.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "braid/core/config.h"
#include "braid/data/left_out.h"
#include "braid/tasks/score.h"

namespace braid::evaluate {

using tasks::Score;
using tasks::Scores;

constexpr int64_t kSchemaVersion = 2;

// What the task's scores are, for those who show them.
struct ScoreKind {
  std::string name;   // as in Score
  std::string title;  // within a sentence: "top-1"
  std::string unit;   // "%", "nats"; empty: a bare number
  bool higher_is_better = true;
  void visit(FieldVisitor& v);
};
ScoreKind kind_of(const Score& score);
// "75.28% top-1", "27.30 BLEU", "0.25 nats loss"
std::string score_text(const Score& score);

struct CurvePoint {
  double epoch = 0;                  // fractional
  double seconds = 0;                // of training so far
  double lr = 0;                     // at its end
  std::optional<double> train_loss;  // unset: not finite
  std::optional<double> val_loss;    // likewise, or not measured
  std::optional<double> val_score;   // the deciding score on val
  void visit(FieldVisitor& v);
};

// The deciding score of one model less that of another, percentage points, with its 95% interval.
struct Difference {
  double value = 0, low = 0, high = 0;
  bool is_proved() const { return low > 0 || high < 0; }
  void visit(FieldVisitor& v);
};

// What "auto" and unset options came to for one model.
struct ResolvedSettings {
  std::string device, dtype;
  int64_t threads = 0;
  int64_t batch_size = 0;           // of training
  std::vector<int64_t> input_size;  // of one item: channels, height, width; tokens
  void visit(FieldVisitor& v);
};

struct EfficiencyPoint {
  double fraction = 1;  // of the training data
  double score = 0;
  void visit(FieldVisitor& v);
};

struct CorruptionScore {
  std::string corruption;
  int64_t severity = 0;  // 1 to 5
  double score = 0;
  void visit(FieldVisitor& v);
};
struct ShuffleScore {
  int64_t grid = 1;  // the image is cut into grid x grid patches; 1: whole
  double score = 0;
  void visit(FieldVisitor& v);
};
struct Robustness {
  int64_t items = 0;        // evaluated on
  int64_t bad_samples = 0;  // left out, as they could not be read
  double clean_score = 0;   // of the same items as they are
  std::vector<CorruptionScore> corruptions;
  std::vector<ShuffleScore> shuffled_patches;  // grids finer than the pixels are left out
  void visit(FieldVisitor& v);
};

// A test item that the model is wrong about.
struct Mistake {
  std::string file;  // a name for people
  std::string label, prediction;
  double confidence = 0;                 // 0 to 1
  std::optional<std::string> image_png;  // base64
  std::optional<std::string> text;
  void visit(FieldVisitor& v);
};

// What a model looks at in one test image.
struct Look {
  std::string label, prediction;
  double confidence = 0;           // 0 to 1
  std::string image_png, map_png;  // base64: as the model sees it, and the map over it
  void visit(FieldVisitor& v);
};

// How far a layer's attention looks.
struct AttentionReach {
  std::string layer;
  std::vector<double> distance;  // pixels of the input, per head; mean over the images
  void visit(FieldVisitor& v);
};

struct Looks {
  std::optional<std::string> error;  // why there are none; nothing else is set
  std::string layer;                 // whose Grad-CAM the maps are
  std::vector<int64_t> input_size;   // height, width
  std::vector<Look> images;          // the same for every model
  std::vector<AttentionReach> attention;
  void visit(FieldVisitor& v);
};

// A trained model on the test split.
struct TestResult {
  Scores scores;            // the deciding one first
  int64_t count = 0;        // items evaluated
  int64_t bad_samples = 0;  // items left out, as they could not be read
  // Classification: rows true, columns predicted.
  std::optional<std::vector<std::vector<int64_t>>> confusion;
  std::vector<Mistake> misclassified;  // the surest first
  void visit(FieldVisitor& v);
};

// What costs next to nothing, to hold networks against: a guess, a linear model, a look-up.
struct ReferenceResult {
  std::string name, title;  // title: for people
  Score score;              // the deciding one, on the test split
  int64_t items = 0;        // trained on
  double seconds = 0;       // of training and evaluation
  void visit(FieldVisitor& v);
};
struct References {
  std::vector<ReferenceResult> rows;
  void visit(FieldVisitor& v);
};

// A model as it ships: exported, perhaps in 8 bits, and run by an engine.
struct Deployed {
  std::string engine;                         // as --deploy names it
  std::optional<std::string> error;           // why the model cannot be; nothing else is set
  std::optional<std::string> file;            // what ships: of the best seed
  std::optional<int64_t> bytes, float_bytes;  // of that; of the same model exported in float32
  std::optional<Score> score;                 // the deciding one on the test split, mean of seeds
  Scores scores;                              // all of them, the deciding one first
  // What the deciding score lost against the trained model in LibTorch, in its unit; below 0: it
  // gained.
  std::optional<double> drop;
  std::optional<double> latency_ms_p50, latency_ms_p95;  // one item, of the best seed
  std::optional<double> throughput_items_per_s;          // large batches, likewise
  // Of a model in 8 bits.
  std::optional<int64_t> weight_bits;
  std::optional<int64_t> operators, operators_in_float;  // that could be in 8 bits; that are not
  void visit(FieldVisitor& v);
};

// A model of the comparison. What was not measured is unset.
struct ModelResult {
  std::string name, family, fusion;  // family: cnn, transformer, hybrid; fusion: how a hybrid joins
  std::string chosen_because;        // of a model that was chosen, not named
  std::optional<std::string> error;  // why it could not be measured
  std::optional<int64_t> params;     // of the form that is shipped: branches folded
  std::optional<int64_t> macs;       // likewise, multiply-accumulates of one item
  std::optional<int64_t> train_macs;  // of the form that is trained
  std::optional<Score> score;         // the deciding one on the test split, mean of the seeds
  Scores scores;                      // all of them, the deciding one first
  std::optional<double> val_score;    // the deciding one on the validation split, likewise
  std::vector<double> seed_scores;    // of the deciding score, on the test split
  std::vector<double> fold_scores;    // likewise, of the folds of each seed; empty: there are none
  // The best model's score less this one's, by the items that either has right. Unset: it is the
  // best one, or that is not known.
  std::optional<Difference> behind_best;
  std::optional<int64_t> best_seed;  // by the validation split; the checkpoint is its
  std::optional<int64_t> best_fold;  // likewise; unset: there are none
  std::optional<double> train_items_per_s, train_seconds, epochs;  // means of the seeds
  std::optional<double> fewer_threads_seconds;  // of train_seconds, while others used processors
  std::optional<double> items_seen;             // in training, likewise
  std::optional<double> peak_share;  // of the machine's arithmetic that training reached, 0 to 1
  std::vector<double> slice_items_per_s;  // of the turns that the first seed's training took
  // Of all trainings' turns, as shares of their usual speed: the slowest, and the mean of what was
  // lost (turns.h). Unset: too few to tell.
  std::optional<double> slowest_turn, lost_speed;
  std::optional<double> latency_ms_p50, latency_ms_p95;  // one item
  std::optional<double> throughput_items_per_s;          // large batches
  std::optional<int64_t> peak_memory_bytes;              // of training, the most of the seeds
  std::optional<std::string> checkpoint;                 // folder, for braid predict
  std::optional<int64_t> checkpoint_bytes;
  int64_t bad_samples = 0;  // of the first seed: left out in training and evaluation
  std::optional<ResolvedSettings> resolved;
  Json recipe;                             // the first seed's training configuration
  std::string recipe_name, recipe_reason;  // the rule that chose it
  std::vector<CurvePoint> curve;           // of the first seed
  std::optional<std::vector<EfficiencyPoint>> sample_efficiency;
  std::optional<Robustness> robustness;
  std::optional<Looks> looks;
  std::optional<Deployed> deployed;
  std::optional<std::vector<std::vector<int64_t>>> confusion;
  std::vector<Mistake> misclassified;
  void visit(FieldVisitor& v);
};

// Two models joined.
struct Combination {
  Score score;
  int64_t params = 0, macs = 0;
  double latency_ms_p50 = 0, latency_ms_p95 = 0;
  std::optional<std::string> checkpoint;
  void visit(FieldVisitor& v);
};

// Shares of the test items in percent; they sum to 100.
struct Overlap {
  double both_right = 0;
  double only_cnn_right = 0;
  double only_transformer_right = 0;
  double both_wrong = 0;
  // Of a perfect choice between the two: the most that any way of choosing can reach.
  double oracle() const { return both_right + only_cnn_right + only_transformer_right; }
  void visit(FieldVisitor& v);
};

// The best CNN and the best Transformer, and what joining them gains. Unset where the task cannot
// join them so.
struct FusionResult {
  std::string cnn, transformer;
  std::optional<std::string> hybrid;  // the best hybrid of models
  std::optional<Combination> late_fusion, distillation;
  std::optional<double> oracle_score;
  std::optional<Overlap> overlap;
  void visit(FieldVisitor& v);
};

struct Recommendation {
  std::optional<std::string> model;  // none when no model was measured or none meets the limits
  std::string reason;                // one sentence
  std::optional<std::string> checkpoint;
  std::optional<std::string> file = {};  // the deployed model, beside the checkpoint
  void visit(FieldVisitor& v);
};

// A round before the final of a comparison whose budget is a total.
struct RoundModel {
  std::string name;
  std::optional<double> val_score;   // the deciding one; unset: it failed
  std::optional<std::string> error;  // why
  bool goes_on = false;
  void visit(FieldVisitor& v);
};
struct RoundResult {
  double seconds = 0;  // of training for each of them
  std::vector<RoundModel> models;
  void visit(FieldVisitor& v);
};

struct BudgetSummary {
  std::string kind;  // time, total, epochs, flops
  double value = 0;  // seconds, epochs or floating-point operations
  std::string text;  // as the user wrote it
  void visit(FieldVisitor& v);
};

struct MachineSummary {
  std::string cpu;
  int64_t cores = 0, threads = 0, memory_bytes = 0;
  std::string device, dtype;  // as resolved
  std::optional<double>
      peak_flops;  // measured: of a large matrix product in that dtype, per second
  std::string torch_version, os;
  void visit(FieldVisitor& v);
};

struct DataSummary {
  std::string name;
  std::string items = "items";           // what is counted: images, tokens
  std::vector<std::string> classes;      // empty: no classification
  int64_t train = 0, val = 0, test = 0;  // items
  std::string test_split = "test";       // val where the data has no test split
  std::optional<int64_t> channels;       // of images
  int64_t bad_samples = 0;               // the most that a model left out
  std::vector<data::LeftOut> left_out;   // of the data's folders, where anything was
  void visit(FieldVisitor& v);
};

struct Results {
  int64_t schema_version = kSchemaVersion;
  std::string braid_version, created, command;  // created: UTC, ISO 8601
  std::string task;                             // image_classification
  std::string score;                            // the name of the deciding score
  std::vector<ScoreKind> scores;                // the deciding one first
  BudgetSummary budget;
  std::string prefer = "accuracy";
  std::string deploy;  // the engine that the models were deployed for; empty: none
  std::vector<int64_t> seeds;
  int64_t folds = 1;  // of cross-validation
  MachineSummary machine;
  DataSummary data;
  Recommendation recommendation;
  std::vector<ModelResult> models;          // the best first
  std::vector<ReferenceResult> references;  // the best first
  std::vector<RoundResult> rounds;          // of a budget that is a total
  std::optional<FusionResult> fusion;
  void visit(FieldVisitor& v);
};

}  // namespace braid::evaluate
