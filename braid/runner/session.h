// A model that runs: an ONNX file, checked, simplified and planned.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "braid/runner/op.h"

namespace braid::runner {

struct SessionOptions {
  int threads = 1;
  uint64_t most_bytes = 0;  // of all tensors that are computed; 0: half of the memory there is
  bool fuses = true;        // false: each operator by itself
  // Of outputs [B,N,..] only the last of N places is wanted: where that spares products with
  // weights, they are made for it alone, and the output is [B,1,..].
  bool last_position = false;
  const Kernels* kernels = nullptr;  // none: those for this processor
};

// One run at a time.
class Session {
 public:
  // The file is mapped: weights are read when they are first needed. Throws IoError or DataError.
  static std::unique_ptr<Session> open(const std::filesystem::path& file,
                                       const SessionOptions& options = {});
  // bytes: must live as long as the session.
  static std::unique_ptr<Session> of_bytes(std::span<const uint8_t> bytes, const std::string& where,
                                           const SessionOptions& options = {});
  ~Session();

  const std::vector<FileValue>& inputs() const;
  const std::vector<FileValue>& outputs() const;
  const std::map<std::string, std::string>& metadata() const;
  const std::string& where() const;
  size_t steps() const;  // operators that run

  // A tensor to fill and to give to run().
  Tensor make(DType dtype, Dims dims) const;
  // All inputs by name; the outputs in their order. Throws DataError where a tensor does not fit.
  std::vector<Tensor> run(const std::map<std::string, Tensor>& inputs);
  // Gives back the memory that earlier runs took and the next would take again, where it will not
  // fit: a run of larger tensors finds no use for it.
  void release_memory();
  // Seconds of each operator's runs so far, by its type, the most first; empty before
  // measure(true).
  void measure(bool on);
  std::vector<std::pair<std::string, double>> seconds_by_type() const;

 private:
  struct State;
  explicit Session(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A whole number, at least `least`, of the file's metadata; nothing where it has none of this key.
// Throws DataError.
std::optional<int64_t> metadata_number(const Session& session, const std::string& key,
                                       int64_t least);

}  // namespace braid::runner
