// The names of a classifier's classes: the same ones may come in another order.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "braid/models/model.h"
#include "braid/torch.h"

namespace braid::tasks {

// The classes that a checkpoint was trained on, in its order: for data::SourceOptions::class_order,
// so that a run goes on, and is evaluated, with the order that it began with. Empty: it names none,
// or there is no checkpoint.
std::vector<std::string> classes_of(const std::filesystem::path& checkpoint);
// For each name of `to`, its place in `from`: [K] int64. Nothing where the names are not the same
// in another order.
std::optional<torch::Tensor> order_by_name(const std::vector<std::string>& from,
                                           const std::vector<std::string>& to);
// Throws DataError where a name is no UTF-8. data: for the error.
void expect_utf8(const std::vector<std::string>& classes, const std::string& data);
// Throws DataError: a teacher of `count` classes of these names is none for `wanted` others.
[[noreturn]] void refuse_teachers_classes(const std::vector<std::string>& names, int64_t count,
                                          int64_t wanted, const std::string& teacher);
// The outputs of a run that goes on mean the classes that it began with, in their order. Throws
// DataError.
void expect_same_classes(const std::vector<std::string>& run, const std::vector<std::string>& data,
                         const std::string& where);
// Where the weights' classes are the model's in another order, the classifier that was copied from
// them is put into the model's.
void reorder_head(models::Model& model, const std::vector<std::string>& of_weights,
                  const std::vector<std::string>& of_model);

}  // namespace braid::tasks
