//! AVX2 with FMA and F16C: two vectors of eight lanes.

use std::arch::x86_64::{
    __m256, __m256i, _mm_loadu_si128, _mm_srli_si128, _mm256_add_epi32, _mm256_and_si256,
    _mm256_cvtepi8_epi32, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32, _mm256_cvtph_ps,
    _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_mul_ps,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_slli_epi16, _mm256_srai_epi16, _mm256_srli_epi16, _mm256_storeu_ps,
};

use super::Lanes;
use crate::tiles::{Plane, TILE_ROWS};

/// Two halves of eight lanes. Needs `avx2`, `fma`, `f16c`.
pub(crate) struct Avx2;

impl Lanes for Avx2 {
    type Bytes = [__m256i; 2];
    type Ints = [__m256i; 2];
    type Floats = [__m256; 2];

    #[inline(always)]
    unsafe fn load(plane: &Plane) -> [__m256i; 2] {
        unsafe {
            [
                _mm256_loadu_si256(plane.as_ptr().cast()),
                _mm256_loadu_si256(plane[32..].as_ptr().cast()),
            ]
        }
    }
    #[inline(always)]
    unsafe fn low_nibbles(bytes: [__m256i; 2]) -> [__m256i; 2] {
        unsafe {
            let mask = _mm256_set1_epi8(15);
            [
                _mm256_and_si256(bytes[0], mask),
                _mm256_and_si256(bytes[1], mask),
            ]
        }
    }
    #[inline(always)]
    unsafe fn high_nibbles(bytes: [__m256i; 2]) -> [__m256i; 2] {
        unsafe {
            let moved = [
                _mm256_srli_epi16::<4>(bytes[0]),
                _mm256_srli_epi16::<4>(bytes[1]),
            ];
            Self::low_nibbles(moved)
        }
    }
    #[inline(always)]
    unsafe fn six_bits<const GROUP: usize>(
        nibbles: [__m256i; 2],
        high: [__m256i; 2],
    ) -> [__m256i; 2] {
        unsafe {
            let mut bytes = nibbles;
            for half in 0..2 {
                let moved = match GROUP {
                    0 => _mm256_slli_epi16::<4>(high[half]),
                    1 => _mm256_slli_epi16::<2>(high[half]),
                    2 => high[half],
                    _ => _mm256_srli_epi16::<2>(high[half]),
                };
                let top = _mm256_and_si256(moved, _mm256_set1_epi8(48));
                bytes[half] = _mm256_or_si256(bytes[half], top);
            }
            bytes
        }
    }
    #[inline(always)]
    unsafe fn ints(value: i32) -> [__m256i; 2] {
        unsafe { [_mm256_set1_epi32(value); 2] }
    }
    #[inline(always)]
    unsafe fn add(a: [__m256i; 2], b: [__m256i; 2]) -> [__m256i; 2] {
        unsafe { [_mm256_add_epi32(a[0], b[0]), _mm256_add_epi32(a[1], b[1])] }
    }
    /// Even and odd bytes apart in 16 bits, so that no product or pair can overflow.
    #[inline(always)]
    unsafe fn dot(sum: [__m256i; 2], weights: [__m256i; 2], four: i32) -> [__m256i; 2] {
        unsafe {
            let fours = _mm256_set1_epi32(four);
            let even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(fours));
            let odd = _mm256_srai_epi16::<8>(fours);
            let mut sums = sum;
            for half in 0..2 {
                let low = _mm256_and_si256(weights[half], _mm256_set1_epi16(255));
                let high = _mm256_srli_epi16::<8>(weights[half]);
                let products =
                    _mm256_add_epi32(_mm256_madd_epi16(low, even), _mm256_madd_epi16(high, odd));
                sums[half] = _mm256_add_epi32(sums[half], products);
            }
            sums
        }
    }
    #[inline(always)]
    unsafe fn from_ints(ints: [__m256i; 2]) -> [__m256; 2] {
        unsafe { [_mm256_cvtepi32_ps(ints[0]), _mm256_cvtepi32_ps(ints[1])] }
    }
    #[inline(always)]
    unsafe fn from_unsigned(bytes: &[u8; TILE_ROWS]) -> [__m256; 2] {
        unsafe {
            let all = _mm_loadu_si128(bytes.as_ptr().cast());
            Self::from_ints([
                _mm256_cvtepu8_epi32(all),
                _mm256_cvtepu8_epi32(_mm_srli_si128::<8>(all)),
            ])
        }
    }
    #[inline(always)]
    unsafe fn from_signed(bytes: &[i8; TILE_ROWS]) -> [__m256; 2] {
        unsafe {
            let all = _mm_loadu_si128(bytes.as_ptr().cast());
            Self::from_ints([
                _mm256_cvtepi8_epi32(all),
                _mm256_cvtepi8_epi32(_mm_srli_si128::<8>(all)),
            ])
        }
    }
    #[inline(always)]
    unsafe fn from_halves(bits: &[u16; TILE_ROWS]) -> [__m256; 2] {
        unsafe {
            [
                _mm256_cvtph_ps(_mm_loadu_si128(bits.as_ptr().cast())),
                _mm256_cvtph_ps(_mm_loadu_si128(bits[8..].as_ptr().cast())),
            ]
        }
    }
    #[inline(always)]
    unsafe fn floats(value: f32) -> [__m256; 2] {
        unsafe { [_mm256_set1_ps(value); 2] }
    }
    #[inline(always)]
    unsafe fn multiply(a: [__m256; 2], b: [__m256; 2]) -> [__m256; 2] {
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }
    #[inline(always)]
    unsafe fn multiply_add(a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
        unsafe {
            [
                _mm256_fmadd_ps(a[0], b[0], c[0]),
                _mm256_fmadd_ps(a[1], b[1], c[1]),
            ]
        }
    }
    #[inline(always)]
    unsafe fn multiply_sub(a: [__m256; 2], b: [__m256; 2], c: [__m256; 2]) -> [__m256; 2] {
        unsafe {
            [
                _mm256_fnmadd_ps(a[0], b[0], c[0]),
                _mm256_fnmadd_ps(a[1], b[1], c[1]),
            ]
        }
    }
    #[inline(always)]
    unsafe fn store(floats: [__m256; 2], to: *mut f32) {
        unsafe {
            _mm256_storeu_ps(to, floats[0]);
            _mm256_storeu_ps(to.add(8), floats[1]);
        }
    }
}
