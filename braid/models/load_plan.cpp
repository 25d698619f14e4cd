#include "braid/models/load_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "braid/core/error.h"

namespace braid::models {
namespace {

constexpr const char* kOtherArchitecture =
    "give the weights of this architecture, or name theirs (config.json's 'architecture')";

std::string shape_of(at::IntArrayRef shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

// Shapes that agree but for one dimension.
bool differ_only_in(size_t dim, at::IntArrayRef a, at::IntArrayRef b) {
  if (a.size() != b.size() || a.size() <= dim || a[dim] == b[dim]) return false;
  for (size_t d = 0; d < a.size(); ++d)
    if (d != dim && a[d] != b[d]) return false;
  return true;
}

// What old files lack, or those of a model without its last layer, and begins as zeros.
bool may_be_missing(const std::string& name) {
  return name.ends_with("num_batches_tracked") || name == "final_logits_bias";
}

bool is_empty(const std::vector<int64_t>& shape) {
  return std::find(shape.begin(), shape.end(), 0) != shape.end();
}

torch::Tensor load_step(const WeightSource& source, const LoadStep& step) {
  const auto tensor = source.load(step.name);
  const bool half = tensor.is_floating_point() && tensor.element_size() < 4;
  return half ? tensor.to(torch::kFloat) : tensor;
}

// Of heads without a tensor among the names: the modules of which nothing is there, such as the
// whole of a norm and a classifier. names: a map by them.
template <class Names>
std::vector<std::string> absent_heads(const Model& model, const Names& names) {
  const auto any = [&](const std::string& module) {
    const auto it = names.lower_bound(module + ".");
    return it != names.end() && it->first.starts_with(module + ".");
  };
  std::vector<std::string> absent;
  for (std::string module : model.head_modules()) {
    if (any(module)) continue;
    for (auto dot = module.rfind('.'); dot != std::string::npos; dot = module.rfind('.')) {
      if (any(module.substr(0, dot))) break;
      module.resize(dot);
    }
    absent.push_back(module);
  }
  return absent;
}

bool is_below(const std::string& name, const std::vector<std::string>& modules) {
  return std::any_of(modules.begin(), modules.end(),
                     [&](const std::string& module) { return name.starts_with(module + "."); });
}

class Planner {
 public:
  Planner(const Model& model, WeightSource source)
      : model_(model), state_(runtime::named_state(model)) {
    plan_.source = std::move(source);
    std::vector<std::string> names;
    for (const auto& item : plan_.source.tensors) names.push_back(item.first);
    const size_t cut = wrapper_prefix(names, model).size();
    for (const auto& name : names) place(name, model.place_weight(name.substr(cut)));
  }

  // Leaves the model's own head where the file has one for other classes, or none.
  void keep_head() {
    LoadPlan::Head head;
    bool any = false;
    for (const auto& [name, own] : state_) {
      if (!model_.in_head(name)) continue;
      head.now = own.size(0);
      const auto it = plan_.steps.find(name);
      if (it == plan_.steps.end()) continue;
      any = true;
      if (differ_only_in(0, it->second.shape, own.sizes())) head.before = it->second.shape[0];
    }
    if ((any && !head.before) || head.now == 0) return;
    if (!model_.classifies()) head.now = 0;
    const auto absent = absent_heads(model_, plan_.steps);
    for (const auto& [name, own] : state_) {
      if (!model_.in_head(name) && !is_below(name, absent)) continue;
      const auto it = plan_.steps.find(name);
      // One that differs in more than its classes stays, to be refused.
      if (it == plan_.steps.end() || own.sizes() == it->second.shape ||
          differ_only_in(0, it->second.shape, own.sizes()))
        plan_.steps[name].fit = Fit::kKeep;
    }
    plan_.head = head;
  }

  // What may begin fresh does where the file has nothing for it.
  void keep_fresh() {
    for (const auto& item : state_)
      if (model_.may_begin_fresh(item.first) && !plan_.steps.contains(item.first))
        plan_.steps[item.first].fit = Fit::kKeep;
  }

  void adapt_input() {
    for (const auto& name : model_.input_weights()) {
      const auto it = plan_.steps.find(name);
      if (it == plan_.steps.end() || is_empty(it->second.shape) || !is_floating(it->second) ||
          !differ_only_in(1, it->second.shape, state_.at(name).sizes()))
        continue;
      it->second.fit = Fit::kAdapt;
      const auto weight = plan_.source.load(it->second.name).to(torch::kFloat);
      it->second.fitted =
          model_.resample_weight(name, adapt_input_convolution(weight, state_.at(name).size(1)));
    }
  }

  // A model that was asked for without a classifier needs none of the file's.
  void leave_out_head() {
    const auto absent = absent_heads(model_, state_);
    if (absent.size() < model_.head_modules().size()) return;
    for (auto it = plan_.steps.begin(); it != plan_.steps.end();) {
      if (!is_below(it->first, absent)) {
        ++it;
        continue;
      }
      plan_.other_heads.push_back(it->second.name);
      it = plan_.steps.erase(it);
    }
  }
  LoadPlan finish() {
    for (const auto& item : plan_.steps)
      if (!state_.contains(item.first))
        fail(fmt::format("unexpected tensor '{}'", item.second.name), kOtherArchitecture);
    for (const auto& [name, own] : state_) {
      const auto it = plan_.steps.find(name);
      if (it != plan_.steps.end())
        fit(name, it->second, own);
      else if (!may_be_missing(name))
        fail(fmt::format("missing tensor '{}'", name), kOtherArchitecture);
    }
    return std::move(plan_);
  }

 private:
  void place(const std::string& name, const WeightPlace& place) {
    if (place.use == WeightUse::kOtherHead) plan_.other_heads.push_back(name);
    if (place.use != WeightUse::kLoad) return;
    const auto [it, fresh] =
        plan_.steps.try_emplace(place.name, LoadStep{.fit = Fit::kCopy,
                                                     .name = name,
                                                     .shape = plan_.source.tensors.at(name).shape,
                                                     .fitted = {}});
    if (fresh) return;
    const auto first = plan_.source.load(it->second.name), second = plan_.source.load(name);
    if (first.scalar_type() != second.scalar_type() || !first.equal(second))
      fail(fmt::format("expected tensors '{}' and '{}' to be equal", it->second.name, name),
           "the model has one tensor for both");
  }

  bool is_number(const LoadStep& step) const {
    const auto dtype = plan_.source.tensors.at(step.name).dtype;
    return c10::isFloatingType(dtype) || c10::isIntegralType(dtype, /*includeBool=*/true);
  }
  bool is_floating(const LoadStep& step) const {
    return c10::isFloatingType(plan_.source.tensors.at(step.name).dtype);
  }

  void fit(const std::string& name, LoadStep& step, const torch::Tensor& own) const {
    if (step.fit == Fit::kKeep) return;
    // Counters may come as any number: half precision of a whole model makes floats of them.
    if (own.is_floating_point() ? !is_floating(step) : !is_number(step))
      fail(fmt::format("expected {} for tensor '{}', got {}", c10::toString(own.scalar_type()),
                       name, c10::toString(plan_.source.tensors.at(step.name).dtype)),
           "quantized weights cannot be loaded");
    if (step.fit == Fit::kCopy && own.sizes() != step.shape) {
      step.fit = Fit::kResample;
      step.fitted = model_.resample_weight(name, load_step(plan_.source, step));
    }
    if (step.fitted.defined() && step.fitted.sizes() != own.sizes())
      fail(fmt::format("expected shape {} for tensor '{}', got {}", shape_of(own.sizes()), name,
                       shape_of(step.shape)),
           "config.json or the flags build another shape: num_classes, in_chans, img_size or "
           "another field of the model");
  }

  [[noreturn]] void fail(const std::string& what, const char* remedy) const {
    throw DataError("weights", what, plan_.source.where, remedy);
  }

  const Model& model_;
  const runtime::TensorMap state_;
  LoadPlan plan_;
};

}  // namespace

WeightSource source_of(const std::filesystem::path& path) {
  const auto reader = std::make_shared<const runtime::TensorReader>(path);
  return {reader->tensors(), [reader](const std::string& name) { return reader->load(name); },
          path.string()};
}

WeightSource source_of(const runtime::TensorMap& tensors, const std::string& where) {
  WeightSource source{{}, [&tensors](const std::string& name) { return tensors.at(name); }, where};
  for (const auto& [name, tensor] : tensors)
    source.tensors[name] = {tensor.scalar_type(), tensor.sizes().vec()};
  return source;
}

LoadPlan plan_load(const Model& model, WeightSource source, bool fine_tune) {
  Planner planner(model, std::move(source));
  planner.leave_out_head();
  if (fine_tune) {
    planner.keep_head();
    planner.keep_fresh();
    planner.adapt_input();
  }
  return planner.finish();
}

void report_plan(const LoadPlan& plan, const Model& model, Progress& progress) {
  const auto& where = plan.source.where;
  std::vector<std::string> adapted, resampled, fresh;
  int64_t before = 0, now = 0;
  for (const auto& [name, step] : plan.steps) {
    if (step.fit == Fit::kKeep && !model.in_head(name)) fresh.push_back(name);
    if (step.fit == Fit::kAdapt) {
      adapted.push_back(name);
      before = step.shape[1];
      now = step.fitted.size(1);
    }
    if (step.fit == Fit::kResample)
      resampled.push_back(
          fmt::format("{} {} to {}", name, shape_of(step.shape), shape_of(step.fitted.sizes())));
  }
  if (plan.head && plan.head->now == 0)
    progress.line(fmt::format("{}: there is no such head; a fresh one takes its place ({}).", where,
                              fmt::join(model.head_modules(), ", ")));
  else if (plan.head)
    progress.line(fmt::format("{}: {}; a fresh one with {} takes its place ({}).", where,
                              plan.head->before
                                  ? fmt::format("the classifier has {} classes", *plan.head->before)
                                  : std::string("there is no classifier"),
                              plan.head->now, fmt::join(model.head_modules(), ", ")));
  if (!fresh.empty())
    progress.line(fmt::format("{}: not there, begins fresh: {}.", where, fmt::join(fresh, ", ")));
  if (!plan.other_heads.empty())
    progress.line(fmt::format("{}: left out, of another head: {}{}.", where, plan.other_heads[0],
                              plan.other_heads.size() > 1
                                  ? fmt::format(" and {} more", plan.other_heads.size() - 1)
                                  : ""));
  if (!adapted.empty())
    progress.line(fmt::format("{}: {} takes {} channels, the images have {}; its weights are {}.",
                              where, fmt::join(adapted, ", "), before, now,
                              now == 1 ? "summed over them" : "repeated and scaled"));
  if (!resampled.empty())
    progress.line(
        fmt::format("{}: resampled for another image size: {}{}.", where, resampled[0],
                    resampled.size() > 1 ? fmt::format(" and {} more", resampled.size() - 1) : ""));
}

void apply_plan(const LoadPlan& plan, Model& model) {
  const torch::NoGradGuard no_grad;
  auto state = runtime::named_state(model);
  for (const auto& [name, step] : plan.steps) {
    if (step.fit == Fit::kKeep) continue;
    auto loaded = step.fitted.defined() ? step.fitted
                                        : model.resample_weight(name, load_step(plan.source, step));
    auto& own = state.at(name);
    if (!own.is_floating_point() && loaded.is_floating_point())
      loaded = loaded.nan_to_num(0, 0, 0);  // a count beyond half precision
    else if (!runtime::is_finite(loaded))
      throw DataError("weights", fmt::format("tensor '{}' holds values that are not finite", name),
                      plan.source.where,
                      "the training that made it diverged; take one of its earlier checkpoints");
    own.copy_(loaded);
  }
}

torch::Tensor adapt_input_convolution(const torch::Tensor& weight, int64_t in_chans) {
  const int64_t old = weight.size(1);
  if (in_chans == old) return weight;
  if (in_chans == 1) return weight.sum(1, /*keepdim=*/true);
  const auto repeated = weight.repeat({1, (in_chans + old - 1) / old, 1, 1});
  return repeated.narrow(1, 0, in_chans) *
         (static_cast<double>(old) / static_cast<double>(in_chans));
}

std::string wrapper_prefix(const std::vector<std::string>& names, const Model& model) {
  // DataParallel and torch.compile wrap each other in either order.
  constexpr const char* kPrefixes[] = {"_orig_mod.", "module.", "_orig_mod.", "model."};
  const auto state = runtime::named_state(model);
  std::string found;
  for (const std::string prefix : kPrefixes) {
    const bool wrapped = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      return name.substr(found.size()).starts_with(prefix);
    });
    const bool own = std::any_of(state.begin(), state.end(),
                                 [&](const auto& item) { return item.first.starts_with(prefix); });
    if (!names.empty() && wrapped && !own) found += prefix;
  }
  return found;
}

}  // namespace braid::models
