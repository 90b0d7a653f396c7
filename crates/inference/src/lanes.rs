//! Sixteen numbers at a time: what the inner loops need of a vector unit, and the units.
//! Every method is inlined into a function compiled for the unit's features; called from
//! anywhere else it is undefined behaviour, hence `unsafe`.
#![allow(unsafe_code, reason = "vector intrinsics")]

use super::tiles::{Plane, TILE_ROWS};

mod avx2;
mod avx512;

pub(crate) use avx2::Avx2;
pub(crate) use avx512::Avx512;

/// Sixteen lanes, one per row of a tile, in three kinds.
pub(crate) trait Lanes {
    type Bytes: Copy;
    type Ints: Copy;
    type Floats: Copy;
    unsafe fn load(plane: &Plane) -> Self::Bytes;
    unsafe fn low_nibbles(bytes: Self::Bytes) -> Self::Bytes;
    unsafe fn high_nibbles(bytes: Self::Bytes) -> Self::Bytes;
    /// Nibbles plus the two bits that `high` holds for group `GROUP`, above them.
    unsafe fn six_bits<const GROUP: usize>(nibbles: Self::Bytes, high: Self::Bytes) -> Self::Bytes;
    unsafe fn ints(value: i32) -> Self::Ints;
    unsafe fn add(a: Self::Ints, b: Self::Ints) -> Self::Ints;
    /// Adds the products of four unsigned weights and four signed activations per lane.
    unsafe fn dot(sum: Self::Ints, weights: Self::Bytes, four: i32) -> Self::Ints;
    unsafe fn from_ints(ints: Self::Ints) -> Self::Floats;
    unsafe fn from_unsigned(bytes: &[u8; TILE_ROWS]) -> Self::Floats;
    unsafe fn from_signed(bytes: &[i8; TILE_ROWS]) -> Self::Floats;
    unsafe fn from_halves(bits: &[u16; TILE_ROWS]) -> Self::Floats;
    unsafe fn floats(value: f32) -> Self::Floats;
    unsafe fn multiply(a: Self::Floats, b: Self::Floats) -> Self::Floats;
    /// `a * b + c`.
    unsafe fn multiply_add(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// `c - a * b`.
    unsafe fn multiply_sub(a: Self::Floats, b: Self::Floats, c: Self::Floats) -> Self::Floats;
    /// Writes sixteen numbers; `to` has room for them.
    unsafe fn store(floats: Self::Floats, to: *mut f32);
}
