#include "braid/runner/encoder_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <system_error>
#include <utility>

#include "braid/core/cpu.h"
#include "braid/core/error.h"
#include "braid/core/json.h"
#include "braid/decoding/encoder_decoder_files.h"
#include "braid/io/posix_file.h"

namespace braid::runner {
namespace {

namespace fs = std::filesystem;

constexpr const char* kInputIds = "input_ids";
constexpr const char* kAttentionMask = "attention_mask";
constexpr const char* kHidden = "encoder_hidden_states";
constexpr const char* kEncoderMask = "encoder_attention_mask";
constexpr const char* kExportBoth =
    "write both files again: `braid export --checkpoint CHECKPOINT --output FOLDER/`";

[[noreturn]] void refuse_file(const Session& session, const std::string& expected,
                              const std::string& got, const std::string& what = "") {
  throw DataError("runner", fmt::format("expected {}, got {}", expected, got),
                  what.empty() ? session.where() : session.where() + ", " + what, kExportBoth);
}

const std::string& needed_metadata(const Session& session, const char* key) {
  const auto found = session.metadata().find(key);
  if (found == session.metadata().end())
    refuse_file(session, fmt::format("'{}' in the metadata of a translator's file", key), "none");
  return found->second;
}

int64_t needed_number(const Session& session, const char* key) {
  needed_metadata(session, key);
  return metadata_number(session, key, 0).value();
}

void expect_part(const Session& session, const char* part) {
  const auto& found = needed_metadata(session, decoding::kPartKey);
  if (found != part)
    refuse_file(session, fmt::format("the {} of a translator", part), "its " + found);
}

std::string shown(const std::map<std::string, std::string>& metadata, const std::string& key) {
  constexpr size_t kShort = 60;  // bytes
  const auto found = metadata.find(key);
  if (found == metadata.end()) return "none";
  return found->second.size() > kShort ? "a long text" : "'" + found->second + "'";
}

// Two files of one export say the same of everything but which part they are.
void expect_one_model(const Session& encoder, const Session& decoder) {
  const auto& a = encoder.metadata();
  const auto& b = decoder.metadata();
  const auto compare = [&](const std::string& key) {
    const auto in_a = a.find(key), in_b = b.find(key);
    const bool same = in_a != a.end() && in_b != b.end() && in_a->second == in_b->second;
    if (!same && key != decoding::kPartKey)
      refuse_file(decoder,
                  fmt::format("the {} that {} has, {}", key, encoder.where(), shown(a, key)),
                  shown(b, key));
  };
  for (const auto& item : a) compare(item.first);
  for (const auto& item : b) compare(item.first);
}

// The value of this name, type and rank.
const FileValue& needed_value(const Session& session, const std::vector<FileValue>& values,
                              const char* name, DType dtype, size_t rank) {
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](const FileValue& value) { return value.name == name; });
  if (found == values.end())
    refuse_file(session, fmt::format("a value '{}' in the file", name), "none");
  if (found->dtype != dtype || found->dims.size() != rank)
    refuse_file(session, fmt::format("{} of {} dimensions as '{}'", to_string(dtype), rank, name),
                to_string(found->dtype) + " " + to_string(found->dims));
  return *found;
}

void expect_values(const Session& session, size_t inputs) {
  if (session.inputs().size() != inputs || session.outputs().size() != 1)
    refuse_file(session, fmt::format("{} inputs and one output", inputs),
                fmt::format("{} and {}", session.inputs().size(), session.outputs().size()));
}

// A size that the file fixes, at least 1.
int64_t fixed_size(const Session& session, const FileValue& value) {
  const int64_t size = value.dims.back();
  if (size < 1)
    refuse_file(session, fmt::format("'{}' with a last size that is fixed", value.name),
                to_string(value.dims));
  return size;
}

Tensor ones(const Session& session, int64_t rows, int64_t length) {
  Tensor mask = session.make(DType::kInt64, {rows, length});
  std::fill_n(mask.as<int64_t>(), mask.count(), int64_t{1});
  return mask;
}

// Of both parts together as much as of one model.
SessionOptions options_of_part(SessionOptions options) {
  const auto most =
      options.most_bytes != 0 ? options.most_bytes : static_cast<uint64_t>(usable_memory() / 2);
  options.most_bytes = std::max<uint64_t>(most / 2, 1);
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
                  folder.string(), kExportBoth);
}

}  // namespace

EncoderDecoder::EncoderDecoder(std::unique_ptr<Session> encoder, std::unique_ptr<Session> decoder)
    : encoder_(std::move(encoder)), decoder_(std::move(decoder)) {
  expect_part(*encoder_, decoding::kEncoderPart);
  expect_part(*decoder_, decoding::kDecoderPart);
  expect_one_model(*encoder_, *decoder_);
  check_sizes();
  max_positions_ = metadata_number(*encoder_, "max_length", 1).value_or(0);
  pad_ = needed_number(*encoder_, decoding::kPadKey);
  eos_ = needed_number(*encoder_, decoding::kEosKey);
  read_generation();
}

void EncoderDecoder::check_sizes() {
  expect_values(*encoder_, 2);
  expect_values(*decoder_, 3);
  needed_value(*encoder_, encoder_->inputs(), kInputIds, DType::kInt64, 2);
  needed_value(*encoder_, encoder_->inputs(), kAttentionMask, DType::kInt64, 2);
  needed_value(*decoder_, decoder_->inputs(), kInputIds, DType::kInt64, 2);
  needed_value(*decoder_, decoder_->inputs(), kEncoderMask, DType::kInt64, 2);
  const int64_t gives = fixed_size(*encoder_, needed_value(*encoder_, encoder_->outputs(),
                                                           "last_hidden_state", DType::kFloat, 3));
  const int64_t takes =
      fixed_size(*decoder_, needed_value(*decoder_, decoder_->inputs(), kHidden, DType::kFloat, 3));
  if (gives != takes)
    refuse_file(
        *decoder_,
        fmt::format("a decoder of the {} numbers per word that {} gives", gives, encoder_->where()),
        fmt::format("one of {}", takes));
  vocab_size_ = fixed_size(
      *decoder_, needed_value(*decoder_, decoder_->outputs(), "logits", DType::kFloat, 3));
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
    refuse_file(*encoder_, "a search that takes the likeliest words", "do_sample",
                decoding::kGenerationKey);
  auto fault = decoding::conflict_of(generation_);
  if (!fault) fault = decoding::token_fault_of(generation_, vocab_size_);
  if (fault)
    throw DataError("runner", fault->message, where + "." + fault->field,
                    fault->remedy.empty() ? kExportBoth : fault->remedy);
  generation_.max_length = decoding::longest_text(generation_);
  generation_.max_new_tokens.reset();
  generation_.min_length = decoding::shortest_text(generation_);
  generation_.min_new_tokens.reset();
  if (max_positions_ > 0) generation_.max_length = std::min(generation_.max_length, max_positions_);
}

EncoderDecoder EncoderDecoder::open(const fs::path& folder, SessionOptions options) {
  const auto encoder = existing_file(folder, decoding::kEncoderFile, decoding::kDecoderFile);
  const auto decoder = existing_file(folder, decoding::kDecoderFile, decoding::kEncoderFile);
  options = options_of_part(options);
  auto reads = Session::open(encoder, options);
  options.last_position = true;
  return {std::move(reads), Session::open(decoder, options)};
}

EncoderDecoder EncoderDecoder::of_bytes(std::span<const uint8_t> encoder,
                                        std::span<const uint8_t> decoder, SessionOptions options) {
  options = options_of_part(options);
  auto reads = Session::of_bytes(encoder, "memory, encoder", options);
  options.last_position = true;
  return {std::move(reads), Session::of_bytes(decoder, "memory, decoder", options)};
}

void EncoderDecoder::read(const std::vector<int64_t>& ids) {
  const auto length = static_cast<int64_t>(ids.size());
  Tensor input = encoder_->make(DType::kInt64, {1, length});
  std::copy(ids.begin(), ids.end(), input.as<int64_t>());
  hidden_ = encoder_->run({{kInputIds, input}, {kAttentionMask, ones(*encoder_, 1, length)}}).at(0);
  if (hidden_.dtype() != DType::kFloat || hidden_.rank() != 3 || hidden_.dim(0) != 1)
    refuse_file(*encoder_, "float32 [1, sequence, width] from the encoder",
                to_string(hidden_.dtype()) + " " + to_string(hidden_.dims()));
  source_hidden_ = {};
}

void EncoderDecoder::repeat_source(int64_t rows) {
  if (source_hidden_.defined() && source_hidden_.dim(0) == rows) return;
  const int64_t length = hidden_.dim(1);
  source_mask_ = ones(*decoder_, rows, length);
  source_hidden_ = decoder_->make(DType::kFloat, {rows, length, hidden_.dim(2)});
  for (int64_t row = 0; row < rows && hidden_.count() > 0; ++row)
    std::memcpy(source_hidden_.as<float>() + row * hidden_.count(), hidden_.raw(),
                hidden_.byte_size());
}

std::vector<float> EncoderDecoder::next(const std::vector<decoding::TokenIds>& rows) {
  const auto count = static_cast<int64_t>(rows.size());
  const auto length = static_cast<int64_t>(rows.at(0).size());
  repeat_source(count);
  Tensor written = decoder_->make(DType::kInt64, {count, length});
  for (size_t row = 0; row < rows.size(); ++row)
    std::copy(rows[row].begin(), rows[row].end(),
              written.as<int64_t>() + static_cast<int64_t>(row) * length);
  const Tensor logits =
      decoder_->run({{kInputIds, written}, {kHidden, source_hidden_}, {kEncoderMask, source_mask_}})
          .at(0);
  const bool fits = logits.dtype() == DType::kFloat && logits.rank() == 3 &&
                    logits.dim(0) == count && logits.dim(1) >= 1 && logits.dim(2) == vocab_size_;
  if (!fits)
    refuse_file(*decoder_,
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
