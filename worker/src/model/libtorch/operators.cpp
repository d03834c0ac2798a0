// The two gradients of libtorch's C++ interface that the Rust bindings leave out.
//
// Every function gives null, or what went wrong as text that the caller frees. Tensors come and go as `at::Tensor *`, as
// in those bindings; a tensor that is given out belongs to the caller.
#include <ATen/Tensor.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/native_batch_norm_backward.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <exception>

namespace {

const at::Tensor &borrowed(const void *tensor) { return *static_cast<const at::Tensor *>(tensor); }

void give(at::Tensor &&tensor, void **place) {
  if (tensor.defined()) *place = new at::Tensor(std::move(tensor));
}

template <typename Work> char *guarded(Work work) {
  try {
    work();
    return nullptr;
  } catch (const c10::Error &error) {
    return strdup(error.what_without_backtrace());
  } catch (const std::exception &error) {
    return strdup(error.what());
  } catch (...) {
    return strdup("an exception that is none of the standard library's");
  }
}

} // namespace

extern "C" {

char *facetui_convolution_backward(const void *gradient, const void *input, const void *weight, int64_t stride,
                                   int64_t padding, int64_t groups, bool of_input, void **input_gradient,
                                   void **weight_gradient) {
  return guarded([&] {
    auto [first, second, none] = at::convolution_backward(
        borrowed(gradient), borrowed(input), borrowed(weight), at::OptionalIntArrayRef(), {stride, stride},
        {padding, padding}, {1, 1}, false, {0, 0}, groups, std::array<bool, 3>{of_input, true, false});
    give(std::move(first), input_gradient);
    give(std::move(second), weight_gradient);
  });
}

char *facetui_batch_norm_backward(const void *gradient, const void *input, const void *gamma, const void *mean,
                                  const void *inverse_deviation, double epsilon, void **input_gradient,
                                  void **gamma_gradient, void **beta_gradient) {
  return guarded([&] {
    auto [first, second, third] = at::native_batch_norm_backward(
        borrowed(gradient), borrowed(input), borrowed(gamma), {}, {}, borrowed(mean), borrowed(inverse_deviation), true,
        epsilon, std::array<bool, 3>{true, true, true});
    give(std::move(first), input_gradient);
    give(std::move(second), gamma_gradient);
    give(std::move(third), beta_gradient);
  });
}
}
