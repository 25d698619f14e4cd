#include "braid/runner/encoder_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/decoding/encoder_decoder_files.h"
#include "braid/io/posix_file.h"
#include "braid/runner/part_checks.h"

namespace braid::runner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReadIds = "input_ids";
constexpr const char* kReadMask = "attention_mask";
constexpr const char* kHidden = "encoder_hidden_states";

int64_t needed_number(const Session& session, const char* key) {
  needed_metadata(session, key);
  return metadata_number(session, key, 0).value();
}

void expect_inputs(const Session& session, size_t count) {
  if (session.inputs().size() != count)
    refuse_part(session, fmt::format("{} inputs", count), std::to_string(session.inputs().size()));
}

// The logits, and what the file with past goes on from.
bool is_of_decoder(const FileValue& output) {
  return output.name == kNextLogits || output.name.starts_with(decoding::kPresentPrefix);
}

// Of all parts together as much as of one model.
SessionOptions options_of_part(SessionOptions options, uint64_t parts) {
  const auto most =
      options.most_bytes != 0 ? options.most_bytes : static_cast<uint64_t>(usable_memory() / 2);
  options.most_bytes = std::max<uint64_t>(most / parts, 1);
  return options;
}

fs::path existing_file(const fs::path& folder, const char* name, const char* other) {
  std::error_code none;
  const auto file = folder / name;
  if (fs::exists(file, none)) return file;
  if (!fs::is_directory(folder, none))
    io::fail_io("open", folder, fs::exists(folder, none) ? ENOTDIR : ENOENT);
  const bool has_other = fs::exists(folder / other, none);
  throw DataError("runner",
                  fmt::format("expected a translator's two files, {} and {}, found {}",
                              decoding::kEncoderFile, decoding::kDecoderFile,
                              has_other ? fmt::format("{} alone", other) : "none of them"),
                  folder.string(), kExportAllParts);
}

}  // namespace

EncoderDecoder::EncoderDecoder(std::unique_ptr<Session> encoder, std::unique_ptr<Session> decoder,
                               std::unique_ptr<Session> decoder_with_past)
    : encoder_(std::move(encoder)), decoder_(std::move(decoder)) {
  expect_part(*encoder_, decoding::kEncoderPart);
  expect_part(*decoder_, decoding::kDecoderPart);
  expect_one_model(*encoder_, *decoder_);
  check_sizes();
  if (decoder_with_past) {
    expect_part(*decoder_with_past, decoding::kDecoderWithPastPart);
    expect_one_model(*encoder_, *decoder_with_past);
    past_ = std::make_unique<DecoderWithPast>(*decoder_, std::move(decoder_with_past), vocab_size_);
  }
  max_positions_ = metadata_number(*encoder_, "max_length", 1).value_or(0);
  pad_ = needed_number(*encoder_, decoding::kPadKey);
  eos_ = needed_number(*encoder_, decoding::kEosKey);
  read_generation();
}

void EncoderDecoder::check_sizes() {
  expect_inputs(*encoder_, 2);
  expect_inputs(*decoder_, 3);
  if (encoder_->outputs().size() != 1)
    refuse_part(*encoder_, "one output", std::to_string(encoder_->outputs().size()));
  for (const auto& output : decoder_->outputs())
    if (!is_of_decoder(output))
      refuse_part(*decoder_,
                  fmt::format("{} and {}.. as outputs", kNextLogits, decoding::kPresentPrefix),
                  "'" + output.name + "'");
  needed_value(*encoder_, encoder_->inputs(), kReadIds, DType::kInt64, 2);
  needed_value(*encoder_, encoder_->inputs(), kReadMask, DType::kInt64, 2);
  needed_value(*decoder_, decoder_->inputs(), kWrittenIds, DType::kInt64, 2);
  needed_value(*decoder_, decoder_->inputs(), kSourceMask, DType::kInt64, 2);
  const int64_t gives = fixed_size(*encoder_, needed_value(*encoder_, encoder_->outputs(),
                                                           "last_hidden_state", DType::kFloat, 3));
  const int64_t takes =
      fixed_size(*decoder_, needed_value(*decoder_, decoder_->inputs(), kHidden, DType::kFloat, 3));
  if (gives != takes)
    refuse_part(
        *decoder_,
        fmt::format("a decoder of the {} numbers per word that {} gives", gives, encoder_->where()),
        fmt::format("one of {}", takes));
  vocab_size_ = fixed_size(
      *decoder_, needed_value(*decoder_, decoder_->outputs(), kNextLogits, DType::kFloat, 3));
  logits_ = place_of(*decoder_, decoder_->outputs(), kNextLogits);
}

void EncoderDecoder::read_generation() {
  const auto where = encoder_->where() + ", " + decoding::kGenerationKey;
  decoding::GenerationConfig defaults;
  defaults.pad_token_id = pad_;
  defaults.decoder_start_token_id = needed_number(*encoder_, decoding::kStartKey);
  defaults.eos_token_id = {eos_};
  const Json json = parse_json(needed_metadata(*encoder_, decoding::kGenerationKey),
                               {.component = "runner", .where = where});
  generation_ = decoding::generation_config_from_json(json, where, std::move(defaults));
  if (generation_.eos_token_id.empty()) generation_.eos_token_id = {eos_};
  generation_.num_return_sequences = 1;
  if (generation_.do_sample)
    refuse_part(*encoder_, "a search that takes the likeliest words", "do_sample",
                decoding::kGenerationKey);
  auto fault = decoding::conflict_of(generation_);
  if (!fault) fault = decoding::token_fault_of(generation_, vocab_size_);
  if (fault)
    throw DataError("runner", fault->message, where + "." + fault->field,
                    fault->remedy.empty() ? kExportAllParts : fault->remedy);
  generation_.max_length = decoding::longest_text(generation_);
  generation_.max_new_tokens.reset();
  generation_.min_length = decoding::shortest_text(generation_);
  generation_.min_new_tokens.reset();
  if (max_positions_ > 0) generation_.max_length = std::min(generation_.max_length, max_positions_);
}

EncoderDecoder EncoderDecoder::open(const fs::path& folder, SessionOptions options) {
  const auto encoder = existing_file(folder, decoding::kEncoderFile, decoding::kDecoderFile);
  const auto decoder = existing_file(folder, decoding::kDecoderFile, decoding::kEncoderFile);
  const auto with_past = folder / decoding::kDecoderWithPastFile;
  std::error_code none;
  const bool goes_on = fs::exists(with_past, none);
  options = options_of_part(options, goes_on ? 3 : 2);
  auto reads = Session::open(encoder, options);
  auto next = goes_on ? Session::open(with_past, options) : nullptr;
  options.last_position = true;
  return {std::move(reads), Session::open(decoder, options), std::move(next)};
}

EncoderDecoder EncoderDecoder::of_bytes(std::span<const uint8_t> encoder,
                                        std::span<const uint8_t> decoder, SessionOptions options,
                                        std::span<const uint8_t> decoder_with_past) {
  const bool goes_on = !decoder_with_past.empty();
  options = options_of_part(options, goes_on ? 3 : 2);
  auto reads = Session::of_bytes(encoder, "memory, encoder", options);
  auto next = goes_on ? Session::of_bytes(decoder_with_past, "memory, decoder with past", options)
                      : nullptr;
  options.last_position = true;
  return {std::move(reads), Session::of_bytes(decoder, "memory, decoder", options),
          std::move(next)};
}

void EncoderDecoder::read(const std::vector<int64_t>& ids) {
  const auto length = static_cast<int64_t>(ids.size());
  Tensor input = encoder_->make(DType::kInt64, {1, length});
  std::copy(ids.begin(), ids.end(), input.as<int64_t>());
  hidden_ = encoder_->run({{kReadIds, input}, {kReadMask, all_tokens(*encoder_, 1, length)}}).at(0);
  if (hidden_.dtype() != DType::kFloat || hidden_.rank() != 3 || hidden_.dim(0) != 1)
    refuse_part(*encoder_, "float32 [1, sequence, width] from the encoder",
                to_string(hidden_.dtype()) + " " + to_string(hidden_.dims()));
  source_hidden_ = {};
  if (past_) past_->forget();
}

void EncoderDecoder::repeat_source(int64_t rows) {
  if (source_hidden_.defined() && source_hidden_.dim(0) == rows) return;
  const int64_t length = hidden_.dim(1);
  source_mask_ = all_tokens(*decoder_, rows, length);
  source_hidden_ = decoder_->make(DType::kFloat, {rows, length, hidden_.dim(2)});
  for (int64_t row = 0; row < rows && hidden_.count() > 0; ++row)
    std::memcpy(source_hidden_.as<float>() + row * hidden_.count(), hidden_.raw(),
                hidden_.byte_size());
}

Tensor EncoderDecoder::logits_of_all(const std::vector<decoding::TokenIds>& rows) {
  const auto count = static_cast<int64_t>(rows.size());
  const auto length = static_cast<int64_t>(rows.at(0).size());
  repeat_source(count);
  Tensor written = decoder_->make(DType::kInt64, {count, length});
  for (size_t row = 0; row < rows.size(); ++row)
    std::copy(rows[row].begin(), rows[row].end(),
              written.as<int64_t>() + static_cast<int64_t>(row) * length);
  const auto outputs = decoder_->run(
      {{kWrittenIds, written}, {kHidden, source_hidden_}, {kSourceMask, source_mask_}});
  if (past_) past_->keep(outputs, count, length, hidden_.dim(1));
  return outputs.at(logits_);
}

Tensor EncoderDecoder::logits_of_last(const std::vector<decoding::TokenIds>& rows,
                                      const std::vector<int64_t>& parents) {
  std::vector<int64_t> words;
  for (const auto& row : rows) words.push_back(row.back());
  return past_->next(words, parents);
}

std::vector<float> EncoderDecoder::next(const std::vector<decoding::TokenIds>& rows,
                                        const std::vector<int64_t>& parents) {
  const auto count = static_cast<int64_t>(rows.size());
  const bool goes_on = past_ && past_->length() > 0 && parents.size() == rows.size() &&
                       past_->length() + 1 == static_cast<int64_t>(rows.at(0).size());
  const Tensor logits = goes_on ? logits_of_last(rows, parents) : logits_of_all(rows);
  const bool fits = logits.dtype() == DType::kFloat && logits.rank() == 3 &&
                    logits.dim(0) == count && logits.dim(1) >= 1 && logits.dim(2) == vocab_size_;
  if (!fits)
    refuse_part(goes_on ? past_->session() : *decoder_,
                fmt::format("float32 [{}, sequence, {}] from the decoder", count, vocab_size_),
                to_string(logits.dtype()) + " " + to_string(logits.dims()));
  std::vector<float> last;
  last.reserve(static_cast<size_t>(count * vocab_size_));
  for (int64_t row = 0; row < count; ++row) {
    const float* begin = logits.as<float>() + ((row + 1) * logits.dim(1) - 1) * vocab_size_;
    last.insert(last.end(), begin, begin + vocab_size_);
  }
  return last;
}

}  // namespace braid::runner
