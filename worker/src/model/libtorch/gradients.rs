//! The gradients in `operators.cpp`, safe to call.
#![allow(unsafe_code)]

use std::{
    ffi::{CStr, c_char, c_void},
    ptr::null_mut,
};

use tch::Tensor;

use super::Geometry;

unsafe extern "C" {
    fn facetui_convolution_backward(
        gradient: *const c_void,
        input: *const c_void,
        weight: *const c_void,
        stride: i64,
        padding: i64,
        groups: i64,
        of_input: bool,
        input_gradient: *mut *mut c_void,
        weight_gradient: *mut *mut c_void,
    ) -> *mut c_char;
    fn facetui_batch_norm_backward(
        gradient: *const c_void,
        input: *const c_void,
        gamma: *const c_void,
        mean: *const c_void,
        inverse_deviation: *const c_void,
        epsilon: f64,
        input_gradient: *mut *mut c_void,
        gamma_gradient: *mut *mut c_void,
        beta_gradient: *mut *mut c_void,
    ) -> *mut c_char;
    fn free(text: *mut c_void);
}

/// Gradients of a convolution's input, where it is wanted, and of its kernels.
///
/// # Panics
/// libtorch fails, as where there is no memory for the result: the same way as all of burn's operators on LibTorch.
pub(super) fn convolution(
    gradient: &Tensor,
    input: &Tensor,
    weight: &Tensor,
    geometry: Geometry,
    of_input: bool,
) -> (Option<Tensor>, Tensor) {
    let (mut first, mut second) = (null_mut(), null_mut());
    // SAFETY: the three tensors live until the call returns, and the places are this frame's own.
    let told = unsafe {
        facetui_convolution_backward(
            borrowed(gradient),
            borrowed(input),
            borrowed(weight),
            geometry.stride as i64,
            geometry.padding as i64,
            geometry.groups as i64,
            of_input,
            &raw mut first,
            &raw mut second,
        )
    };
    check(told, "a convolution's gradient");
    (owned(first), wanted(second))
}

/// Gradients of BatchNorm's input, gammas and betas, with the batch's own averages.
///
/// # Panics
/// As [`convolution`].
pub(super) fn batch_norm(
    gradient: &Tensor,
    input: &Tensor,
    gamma: &Tensor,
    mean: &Tensor,
    inverse_deviation: &Tensor,
    epsilon: f64,
) -> [Tensor; 3] {
    let (mut first, mut second, mut third) = (null_mut(), null_mut(), null_mut());
    // SAFETY: as above.
    let told = unsafe {
        facetui_batch_norm_backward(
            borrowed(gradient),
            borrowed(input),
            borrowed(gamma),
            borrowed(mean),
            borrowed(inverse_deviation),
            epsilon,
            &raw mut first,
            &raw mut second,
            &raw mut third,
        )
    };
    check(told, "BatchNorm's gradient");
    [first, second, third].map(wanted)
}

fn borrowed(tensor: &Tensor) -> *const c_void {
    tensor.as_ptr().cast()
}

fn owned(tensor: *mut c_void) -> Option<Tensor> {
    // SAFETY: the C++ side gives out a new `at::Tensor`, which is what the bindings hold, or leaves null.
    (!tensor.is_null()).then(|| unsafe { Tensor::from_ptr(tensor.cast()) })
}

fn wanted(tensor: *mut c_void) -> Tensor {
    owned(tensor).expect("libtorch gives every gradient that its mask asks for")
}

#[expect(
    clippy::panic,
    reason = "burn's operators on LibTorch fail so, and whoever trains catches it"
)]
fn check(told: *mut c_char, what: &str) {
    if told.is_null() {
        return;
    }
    // SAFETY: the text is the C++ side's copy, ends in a zero, and is freed once.
    let reason = unsafe {
        let reason = CStr::from_ptr(told).to_string_lossy().into_owned();
        free(told.cast());
        reason
    };
    panic!("{what}: {reason}");
}
