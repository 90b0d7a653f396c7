//! Which vector instructions this processor has, found once at run time, and a way to
//! run plain Rust loops compiled for them. Binaries stay portable: nothing here depends
//! on compiler flags. Hand-written kernels live in `kernels.rs`.
#![allow(
    unsafe_code,
    reason = "calling a function compiled for a feature the CPU was seen to have"
)]

use std::sync::OnceLock;

/// The best instruction set found on this processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// 512-bit vectors with 8-bit dot products.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
    /// 256-bit vectors with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// Whatever the target guarantees.
    Baseline,
}

/// Looks at the processor, once per process.
pub(crate) fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(detect)
}

#[cfg(target_arch = "x86_64")]
fn detect() -> Level {
    let avx2 = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c");
    let avx512 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni");
    match (avx2, avx512) {
        (true, true) => Level::Avx512Vnni,
        (true, false) => Level::Avx2,
        (false, _) => Level::Baseline,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detect() -> Level {
    Level::Baseline
}

/// A loop worth compiling once per instruction set. Implementations mark `run`
/// `#[inline(always)]`, so that it takes on the features of its caller.
pub(crate) trait Loop {
    /// Runs it; `FUSED` says whether a fused multiply-add is one instruction.
    fn run<const FUSED: bool>(self);
}

/// Runs `work` compiled for the best instruction set of this processor.
#[inline]
pub(crate) fn vectorized(work: impl Loop) {
    match level() {
        // SAFETY: `detect` saw all these features.
        #[cfg(target_arch = "x86_64")]
        Level::Avx512Vnni => unsafe { run_avx512(work) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => unsafe { run_avx2(work) },
        Level::Baseline => work.run::<{ cfg!(target_arch = "aarch64") }>(),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx2,fma")]
fn run_avx512(work: impl Loop) {
    work.run::<true>();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2(work: impl Loop) {
    work.run::<true>();
}

/// `a * b + c`, fused where that is one instruction.
#[inline(always)]
pub(crate) fn multiply_add<const FUSED: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FUSED { a.mul_add(b, c) } else { a * b + c }
}

/// e to the power of `x`, to about seven digits, in a form compilers vectorize.
/// Inputs beyond the range of `f32` saturate.
#[inline(always)]
pub(crate) fn exp<const FUSED: bool>(x: f32) -> f32 {
    // Adding and taking away 1.5 * 2^23 rounds to an integer without a call.
    const ROUNDER: f32 = 12_582_912.0;
    // Coefficients 1/n! of the Taylor series, enough for |r| <= ln(2)/2.
    const C: [f32; 5] = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5];
    let x = x.clamp(-87.0, 88.0);
    let n = multiply_add::<FUSED>(x, std::f32::consts::LOG2_E, ROUNDER) - ROUNDER;
    // ln(2) in two parts, so that the remainder keeps its low bits.
    let r = multiply_add::<FUSED>(n, -0.693_359_4, x);
    let r = multiply_add::<FUSED>(n, 2.121_944_4e-4, r);
    let mut p = C[0];
    p = multiply_add::<FUSED>(p, r, C[1]);
    p = multiply_add::<FUSED>(p, r, C[2]);
    p = multiply_add::<FUSED>(p, r, C[3]);
    p = multiply_add::<FUSED>(p, r, C[4]);
    p = multiply_add::<FUSED>(p, r, 1.0);
    p = multiply_add::<FUSED>(p, r, 1.0);
    // SAFETY of the cast: n is an integer within -126..=127 after the clamp.
    p * f32::from_bits(((n as i32 + 127) as u32) << 23)
}
