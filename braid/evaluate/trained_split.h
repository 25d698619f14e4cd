// Which part of the data a checkpoint was trained on, and with which it was validated.
#pragma once
#include <filesystem>
#include <optional>
#include <string>

namespace braid::evaluate {

// The val_fraction of the run or of the comparison in whose folder the checkpoint is:
// RUN/model_best, RUN/last, RUN/checkpoint-N, COMPARISON/winner. Nothing where it is elsewhere or
// they do not say. Throws DataError where each fold of a comparison had another val, which its
// checkpoints do not name, and ConfigError or DataError where the settings cannot be read.
std::optional<double> val_fraction_of(const std::filesystem::path& checkpoint);

// Whether the run or the comparison in whose folder the checkpoint is was trained on this data, as
// they spell it; false where that is not known. Throws ConfigError or DataError where the settings
// cannot be read.
bool was_trained_on(const std::filesystem::path& checkpoint, const std::string& data);

}  // namespace braid::evaluate
