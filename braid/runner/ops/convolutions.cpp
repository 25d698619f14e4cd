// Convolutions: as matrix products of packed weights with windows, and by what winograd.h and
// depthwise.h do better.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "braid/runner/op.h"
#include "braid/runner/ops/convolution.h"
#include "braid/runner/ops/depthwise.h"
#include "braid/runner/ops/fused.h"
#include "braid/runner/ops/image_plane.h"
#include "braid/runner/ops/winograd.h"
#include "braid/runner/product.h"

namespace braid::runner {
namespace {

// Windows of an image as the columns of a matrix: [channels * kernel, outputs].
class WindowSource final : public RightSource {
 public:
  // rows, columns: what to add to an address for each row and each column of the matrix.
  WindowSource(const Kernels& kernels, const float* image, const std::vector<int64_t>& rows,
               const std::vector<int64_t>& columns)
      : kernels_(kernels), image_(image), rows_(rows), columns_(columns) {}

  void pack(int64_t k, int64_t depth, int64_t n, int64_t used, int64_t,
            float* panel) const override {
    const auto runs = runs_of(columns_, n, used);
    kernels_.gather(image_, rows_.data() + k, depth, runs.list, runs.count, panel);
  }
  int64_t cost() const override { return columns_.back() + 1 == std::ssize(columns_) ? 1 : 10; }

 private:
  const Kernels& kernels_;
  const float* image_;
  const std::vector<int64_t>&rows_, &columns_;
};

// Inputs: x [N,C,H,W], weight [M,C/groups,kh,kw], bias [M], residual [N,M,H',W'].
class ConvOp final : public Op {
 public:
  explicit ConvOp(const NodeView& node)
      : Op(node),
        groups_(node.integer("group", 1)),
        activation_(fused_activation(node)),
        bytes_in_(fused_bytes(node, kFusedInput)),
        bytes_out_(fused_bytes(node, kFusedOutput)) {
    node.expect_counts(2, 4);
    const Tensor* weight = node.constant(1);
    if (weight == nullptr || weight->dtype() != DType::kFloat)
      node.refuse("constant weights of float32", "others");
    if (weight->rank() != 3 && weight->rank() != 4)
      node.refuse("weights of one or two spatial dimensions", to_string(weight->dims()));
    weight_ = *weight;
    window_ = read_window(node, {weight->dims().begin() + 2, weight->dims().end()});
    may_use_winograd_ = WinogradWeights::fits(window_);
    M_ = weight->dim(0);
    per_group_ = weight->dim(1);
    if (groups_ < 1 || M_ < 1 || per_group_ < 1 || M_ % groups_ != 0)
      node.refuse("weights that the groups divide",
                  fmt::format("{} in {} groups", to_string(weight->dims()), groups_));
    if (per_group_ == 1) depthwise_.emplace(window_, weight_, M_ / groups_, bytes_in_, bytes_out_);
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, bytes_in_ ? bytes_in_->dtype : DType::kFloat);
    expect(x.rank() == weight_.rank() && x.dim(1) == per_group_ * groups_,
           "an image of the weight's channels",
           to_string(x.dims()) + " for weights " + to_string(weight_.dims()));
    const Plane input = plane_of(x, window_), output = output_of(input, window_);
    expect(output.height > 0 && output.width > 0, "an image as large as the window",
           to_string(x.dims()));
    Dims dims = {x.dim(0), M_};
    if (!window_.one_dimensional) dims.push_back(output.height);
    dims.push_back(output.width);
    const bool apart = in.has(3) && (in.at(3).dims() != dims || in.at(3).dtype() != DType::kFloat);
    Tensor y = context.make(bytes_out_ && !apart ? bytes_out_->dtype : DType::kFloat, dims);
    const float* bias = nullptr;
    if (in.has(2)) {
      expect_dtype(in.at(2), DType::kFloat);
      expect(in.at(2).count() == M_, "a bias of each channel", to_string(in.at(2).dims()));
      bias = in.at(2).as<float>();
    }
    const ConvolutionEnding ending{.bias = bias,
                                   .residual = in.has(3) && !apart ? in.at(3).as<float>() : nullptr,
                                   .activation = apart ? Activation{} : activation_};
    if (y.count() > 0 && per_group_ == 1)
      depthwise_->convolve(context, {x, input, output, ending}, y);
    else if (y.count() > 0 && !by_winograd(context, x, input, output, ending, y))
      by_product(context, x, input, output, ending, y);
    if (!apart) return {y};
    Tensor sum = add_tensors(context, y, in.at(3), where());
    activate(context, activation_, sum);
    return {bytes_out_ ? quantize_tensor(context, sum, *bytes_out_) : sum};
  }

  bool give_back() override {
    winograd_.clear();
    return std::exchange(may_use_winograd_, false);
  }

 private:
  // Whether it was done so: see WinogradWeights. The first image decides which form of the weights
  // is kept. Where a sum was not finite, by_product does it again with weights as they are stored.
  bool by_winograd(const RunContext& context, const Tensor& x, const Plane& input,
                   const Plane& output, const ConvolutionEnding& ending, Tensor& y) {
    if (!may_use_winograd_) return false;
    const int64_t M = M_ / groups_;
    if (winograd_.empty()) {
      if (!packed_.empty() || !WinogradWeights::pays(context.kernels, output, M, per_group_))
        return false;
      std::vector<std::unique_ptr<WinogradWeights>> groups;
      for (int64_t g = 0; g < groups_; ++g) {
        groups.push_back(WinogradWeights::make(
            context, weight_.as<float>() + g * M * per_group_ * 9, M, per_group_));
        if (groups.back() == nullptr) return false;
      }
      winograd_ = std::move(groups);
    }
    bool finite = true;
    for (int64_t g = 0; g < groups_ && finite; ++g) {
      const int64_t first = g * M, at = first * output.size();
      finite = winograd_[static_cast<size_t>(g)]->convolve(
          context, {.x = x.as<float>() + g * per_group_ * input.size(),
                    .images = x.dim(0),
                    .x_channels = x.dim(1),
                    .y_channels = M_,
                    .input = input,
                    .output = output,
                    .begin = {window_.begin[0], window_.begin[1]},
                    .bias = ending.bias == nullptr ? nullptr : ending.bias + first,
                    .residual = ending.residual == nullptr ? nullptr : ending.residual + at,
                    .activation = ending.activation,
                    .y = y.as<float>() + at});
    }
    return finite;
  }

  void by_product(const RunContext& context, const Tensor& x, const Plane& input,
                  const Plane& output, const ConvolutionEnding& ending, Tensor& y) {
    const int64_t K = per_group_ * window_.kernel[0] * window_.kernel[1], M = M_ / groups_,
                  N = output.size();
    if (packed_.empty() && winograd_.empty())
      for (int64_t g = 0; g < groups_; ++g)
        packed_.push_back(
            pack_left(context, {.data = weight_.as<float>() + g * M * K, .row_stride = K}, M, K));
    const PhasedLayout layout(input, window_);
    offsets_.set(layout, input, output, per_group_, false);
    Tensor laid_out;
    if (!layout.is_plain()) laid_out = context.make(DType::kFloat, {x.dim(1), layout.size()});
    for (int64_t image = 0; image < x.dim(0); ++image) {
      const float* from = x.as<float>() + image * x.dim(1) * input.size();
      if (laid_out.defined()) {
        layout.fill(context, from, x.dim(1), laid_out.as<float>());
        from = laid_out.as<float>();
      }
      for (int64_t g = 0; g < groups_; ++g) {
        const WindowSource source(context.kernels, from + g * per_group_ * layout.size(),
                                  offsets_.windows, offsets_.outputs);
        const int64_t first = g * M;
        Product p{.M = M, .N = N, .K = K};
        if (packed_.empty())
          p.left = {.data = weight_.as<float>() + g * M * K, .row_stride = K};
        else
          p.left_packed = reinterpret_cast<const float*>(packed_[static_cast<size_t>(g)].get());
        p.right = &source;
        const int64_t at = (image * M_ + first) * N;
        p.out = y.as<float>() + at;
        p.out_stride = N;
        p.row_bias = ending.bias == nullptr ? nullptr : ending.bias + first;
        p.residual = ending.residual == nullptr ? nullptr : ending.residual + at;
        p.activation = ending.activation;
        multiply(context, p);
      }
    }
  }

  Window window_;
  int64_t groups_, M_ = 0, per_group_ = 0;
  Activation activation_;
  std::optional<FusedBytes> bytes_in_, bytes_out_;  // of convolutions by channel
  std::optional<DepthwiseConvolution> depthwise_;
  Tensor weight_;
  std::vector<std::shared_ptr<std::byte>> packed_;          // of each group, or:
  std::vector<std::unique_ptr<WinogradWeights>> winograd_;  // likewise
  bool may_use_winograd_ = false;
  WindowOffsets offsets_;
};

// x [N,C,H,W], weight [C,M/groups,kh,kw]: each input pixel adds its window to the output.
class ConvTransposeOp final : public Op {
 public:
  explicit ConvTransposeOp(const NodeView& node) : Op(node), groups_(node.integer("group", 1)) {
    node.expect_counts(2, 3);
    const Tensor* weight = node.constant(1);
    if (weight == nullptr || weight->dtype() != DType::kFloat || weight->rank() != 4)
      node.refuse("constant weights of two spatial dimensions", "others");
    if (node.has("output_shape")) node.refuse("no output_shape", "one");
    weight_ = *weight;
    window_ = read_window(node, {weight->dims().begin() + 2, weight->dims().end()});
    const auto more = node.integers("output_padding", {0, 0});
    if (more.size() != 2 || more[0] < 0 || more[1] < 0 || more[0] > 1024 || more[1] > 1024)
      node.refuse("two small numbers as output_padding", to_string(more));
    std::copy(more.begin(), more.end(), more_);
    if (groups_ < 1 || weight->dim(0) % groups_ != 0)
      node.refuse("weights that the groups divide", to_string(weight->dims()));
  }

  std::vector<Tensor> run(const RunContext& context, const Inputs& in) override {
    const Tensor& x = in.at(0);
    expect_dtype(x, DType::kFloat);
    expect(x.rank() == 4 && x.dim(1) == weight_.dim(0), "an image of the weight's channels",
           to_string(x.dims()));
    int64_t size[2];
    for (int d = 0; d < 2; ++d) {
      size[d] = (x.dim(2 + d) - 1) * window_.stride[d] + more_[d] +
                (window_.kernel[d] - 1) * window_.dilation[d] + 1 - window_.begin[d] -
                window_.end[d];
      expect(size[d] > 0, "an image as large as the window", to_string(x.dims()));
    }
    const int64_t per_group = weight_.dim(1), M = per_group * groups_;
    Tensor y = context.make(DType::kFloat, {x.dim(0), M, size[0], size[1]});
    if (in.has(2)) {
      expect_dtype(in.at(2), DType::kFloat);
      expect(in.at(2).count() == M, "a bias of each channel", to_string(in.at(2).dims()));
    }
    context.threads.split(x.dim(0) * M, 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i)
        one_channel(x, i / M, i % M, size, in.has(2) ? in.at(2).as<float>()[i % M] : 0,
                    y.as<float>() + i * size[0] * size[1]);
    });
    return {y};
  }

 private:
  void one_channel(const Tensor& x, int64_t image, int64_t channel, const int64_t* size, float bias,
                   float* out) const {
    std::fill_n(out, size[0] * size[1], bias);
    const int64_t C = x.dim(1), H = x.dim(2), W = x.dim(3), per_group = weight_.dim(1);
    const int64_t inputs = C / groups_, group = channel / per_group;
    const int64_t kh = window_.kernel[0], kw = window_.kernel[1];
    for (int64_t c = group * inputs; c < (group + 1) * inputs; ++c) {
      const float* from = x.as<float>() + (image * C + c) * H * W;
      const float* weight = weight_.as<float>() + (c * per_group + channel % per_group) * kh * kw;
      for (int64_t h = 0; h < H; ++h)
        for (int64_t k = 0; k < kh; ++k) {
          const int64_t row = h * window_.stride[0] + k * window_.dilation[0] - window_.begin[0];
          if (row < 0 || row >= size[0]) continue;
          for (int64_t w = 0; w < W; ++w)
            for (int64_t l = 0; l < kw; ++l) {
              const int64_t column =
                  w * window_.stride[1] + l * window_.dilation[1] - window_.begin[1];
              if (column >= 0 && column < size[1])
                out[row * size[1] + column] += from[h * W + w] * weight[k * kw + l];
            }
        }
    }
  }

  Window window_;
  int64_t groups_;
  int64_t more_[2] = {0, 0};
  Tensor weight_;
};

}  // namespace

void add_convolution_ops(OpTable& table) {
  table.insert({{"Conv", make_op<ConvOp>}, {"ConvTranspose", make_op<ConvTransposeOp>}});
}

}  // namespace braid::runner
