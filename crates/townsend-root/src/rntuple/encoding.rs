//! Encodings: how the values of a column are stored in a page.
//!
//! *Split* encodings store the first bytes of all values, then all second bytes, and so on, which compresses
//! better. With it, signed integers are stored in *zigzag*, 0, −1, 1, −2, 2, …, and the ends of vectors as
//! the difference to the last one.

use std::ops::Range;

use crate::error::Fault;
use crate::tree::{ElementType, Values};

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Encoding {
    Bit,
    Integer {
        element: ElementType,
        split: bool,
    },
    Half {
        split: bool,
    },
    Single {
        split: bool,
    },
    Double {
        split: bool,
    },
    /// The most significant bits of a single.
    Truncated {
        bits: u16,
    },
    /// Integers that stand for equal steps from `min` to `max`.
    Quantized {
        bits: u16,
        min: f64,
        max: f64,
    },
    /// Where vectors end, counted in values from the start of the cluster.
    Ends {
        wide: bool,
        split: bool,
    },
}

impl Encoding {
    /// The encoding of a column by its number in the file; the number itself if it is not known.
    pub(super) fn from_code(code: u16, bits: u16, range: (f64, f64)) -> Result<Result<Self, u16>, Fault> {
        use ElementType::{I8, I16, I32, I64, U8, U16, U32, U64};
        let integer = |element, split| Self::Integer { element, split };
        let (encoding, allowed) = match code {
            0x00 => (Self::Bit, 1..=1),
            0x01 | 0x04 => (integer(U8, false), 8..=8),
            0x02 | 0x03 => (integer(I8, false), 8..=8),
            0x05 | 0x11 => (integer(I16, code == 0x11), 16..=16),
            0x06 | 0x12 => (integer(U16, code == 0x12), 16..=16),
            0x07 | 0x13 => (integer(I32, code == 0x13), 32..=32),
            0x08 | 0x14 => (integer(U32, code == 0x14), 32..=32),
            0x09 | 0x15 => (integer(I64, code == 0x15), 64..=64),
            0x0a | 0x16 => (integer(U64, code == 0x16), 64..=64),
            0x0b | 0x17 => (Self::Half { split: code == 0x17 }, 16..=16),
            0x0c | 0x18 => (Self::Single { split: code == 0x18 }, 32..=32),
            0x0d | 0x19 => (Self::Double { split: code == 0x19 }, 64..=64),
            0x0e | 0x1a => (Self::Ends { wide: false, split: code == 0x1a }, 32..=32),
            0x0f | 0x1b => (Self::Ends { wide: true, split: code == 0x1b }, 64..=64),
            0x1c => (Self::Truncated { bits }, 10..=31),
            0x1d => (Self::Quantized { bits, min: range.0, max: range.1 }, 1..=32),
            _ => return Ok(Err(code)),
        };
        if allowed.contains(&bits) {
            return Ok(Ok(encoding));
        }
        Err(Fault::Damaged(format!("a column of type {code:#04x} has {bits} bits a value")))
    }

    /// The number of the encoding in the file.
    pub(super) fn code(self) -> u16 {
        let choose = |split, joined_code, split_code| if split { split_code } else { joined_code };
        match self {
            Self::Bit => 0x00,
            Self::Integer { element, split } => match element {
                ElementType::I16 => choose(split, 0x05, 0x11),
                ElementType::U16 => choose(split, 0x06, 0x12),
                ElementType::I32 => choose(split, 0x07, 0x13),
                ElementType::U32 => choose(split, 0x08, 0x14),
                ElementType::I64 => choose(split, 0x09, 0x15),
                ElementType::U64 => choose(split, 0x0a, 0x16),
                ElementType::I8 => 0x03,
                _ => 0x04,
            },
            Self::Half { split } => choose(split, 0x0b, 0x17),
            Self::Single { split } => choose(split, 0x0c, 0x18),
            Self::Double { split } => choose(split, 0x0d, 0x19),
            Self::Ends { wide: false, split } => choose(split, 0x0e, 0x1a),
            Self::Ends { wide: true, split } => choose(split, 0x0f, 0x1b),
            Self::Truncated { .. } => 0x1c,
            Self::Quantized { .. } => 0x1d,
        }
    }

    pub(super) fn bits(self) -> u64 {
        match self {
            Self::Bit => 1,
            Self::Integer { element, .. } => 8 * element.size() as u64,
            Self::Half { .. } => 16,
            Self::Single { .. } => 32,
            Self::Double { .. } => 64,
            Self::Truncated { bits } | Self::Quantized { bits, .. } => u64::from(bits),
            Self::Ends { wide, .. } => 32 << u8::from(wide),
        }
    }

    /// Bytes of a page of `values` values.
    pub(super) fn length(self, values: u32) -> u64 {
        (u64::from(values) * self.bits()).div_ceil(8)
    }

    /// The type that loses nothing; `None` for the ends of vectors.
    pub(super) fn element(self) -> Option<ElementType> {
        match self {
            Self::Bit => Some(ElementType::Bool),
            Self::Integer { element, .. } => Some(element),
            Self::Half { .. } | Self::Single { .. } | Self::Truncated { .. } | Self::Quantized { .. } => {
                Some(ElementType::F32)
            }
            Self::Double { .. } => Some(ElementType::F64),
            Self::Ends { .. } => None,
        }
    }

    /// Whether values of this type can be read from the column. Types of floating-point numbers are free:
    /// those of the column say how exactly they were stored.
    pub(super) fn reads_as(self, wanted: ElementType) -> bool {
        let is_float = |element| matches!(element, ElementType::F32 | ElementType::F64);
        self.element().is_some_and(|stored| stored == wanted || is_float(stored) && is_float(wanted))
    }
}

impl Encoding {
    /// Replaces `page` by the encoded bytes of values of 4 or 8 bytes each, which are given in order.
    pub(super) fn encode(self, values: &[u8], page: &mut Vec<u8>) {
        page.clear();
        match self {
            Self::Integer { element: ElementType::I32, split: true } => {
                split_into(values, |bytes| unzigzag_i32(i32::from_le_bytes(bytes)), page);
            }
            Self::Integer { element: ElementType::I64, split: true } => {
                split_into(values, |bytes| unzigzag_i64(i64::from_le_bytes(bytes)), page);
            }
            Self::Integer { element: ElementType::U32, split: true } | Self::Single { split: true } => {
                split_into::<4>(values, |bytes| bytes, page);
            }
            Self::Integer { element: ElementType::U64, split: true } | Self::Double { split: true } => {
                split_into::<8>(values, |bytes| bytes, page);
            }
            Self::Ends { wide: true, split: true } => {
                let mut last = 0;
                let difference = |bytes| {
                    let end = u64::from_le_bytes(bytes);
                    let difference = end.wrapping_sub(last);
                    last = end;
                    difference.to_le_bytes()
                };
                split_into(values, difference, page);
            }
            _ => page.extend_from_slice(values),
        }
    }
}

/// Appends the first bytes of all converted values, then their second bytes, and so on.
fn split_into<const N: usize>(
    values: &[u8],
    mut convert: impl FnMut([u8; N]) -> [u8; N],
    page: &mut Vec<u8>,
) {
    let (values, _) = values.as_chunks::<N>();
    page.resize(values.len() * N, 0);
    for (index, value) in values.iter().enumerate() {
        for (byte, value) in convert(*value).into_iter().enumerate() {
            page[byte * values.len() + index] = value;
        }
    }
}

/// The bytes of a page after decompression. Their number is [`Encoding::length`].
#[derive(Clone, Copy)]
pub(super) struct PageBytes<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) values: usize,
}

impl<'a> PageBytes<'a> {
    /// The little-endian bytes of a range of values of `N` bytes each, in order.
    fn joined<const N: usize>(self, range: Range<usize>) -> impl Iterator<Item = [u8; N]> + use<'a, N> {
        self.bytes[range.start * N..range.end * N].as_chunks().0.iter().copied()
    }

    /// The same for a page in which the first bytes of all values come first.
    fn split<const N: usize>(self, range: Range<usize>) -> impl Iterator<Item = [u8; N]> + use<'a, N> {
        let length = range.len();
        let planes: [&[u8]; N] =
            std::array::from_fn(|byte| &self.bytes[byte * self.values..][range.clone()][..length]);
        (0..length).map(move |index| std::array::from_fn(|byte| planes[byte][index]))
    }

    /// Unsigned integers of `bits` bits, one after the other without gaps; at most 32 bits.
    fn packed(self, range: Range<usize>, bits: u16) -> impl Iterator<Item = u32> + use<'a> {
        let mask = (1_u64 << bits) - 1;
        range.map(move |index| {
            let first = index * usize::from(bits);
            let rest = &self.bytes[first / 8..];
            let mut word = [0; 8];
            let length = rest.len().min(word.len());
            word[..length].copy_from_slice(&rest[..length]);
            (u64::from_le_bytes(word) >> (first % 8) & mask) as u32
        })
    }

    /// Appends a range of values, converted from their `N` bytes.
    fn extend<const N: usize, T>(
        self,
        split: bool,
        range: Range<usize>,
        convert: impl Fn([u8; N]) -> T,
        values: &mut Vec<T>,
    ) {
        if split {
            values.extend(self.split(range).map(convert));
        } else {
            values.extend(self.joined(range).map(convert));
        }
    }

    /// Appends a range of floating-point numbers in the type `T`.
    fn extend_floats<T>(
        self,
        encoding: Encoding,
        range: Range<usize>,
        (single, double): (impl Fn(f32) -> T, impl Fn(f64) -> T),
        values: &mut Vec<T>,
    ) {
        match encoding {
            Encoding::Half { split } => {
                self.extend(split, range, |bytes| single(half_to_f32(u16::from_le_bytes(bytes))), values);
            }
            Encoding::Single { split } => {
                self.extend(split, range, |bytes| single(f32::from_le_bytes(bytes)), values);
            }
            Encoding::Double { split } => {
                self.extend(split, range, |bytes| double(f64::from_le_bytes(bytes)), values);
            }
            Encoding::Truncated { bits } => {
                let packed = self.packed(range, bits);
                values.extend(packed.map(|number| single(f32::from_bits(number << (32 - bits)))));
            }
            Encoding::Quantized { bits, min, max } => {
                let step = (max - min) / ((1_u64 << bits) - 1) as f64;
                values.extend(self.packed(range, bits).map(|number| double(f64::from(number) * step + min)));
            }
            Encoding::Bit | Encoding::Integer { .. } | Encoding::Ends { .. } => {}
        }
    }

    /// Appends a range of values. Nothing is appended if the column cannot be read as the type of `values`,
    /// see [`Encoding::reads_as`].
    #[allow(clippy::cast_lossless, trivial_numeric_casts, reason = "one rule for all types")]
    pub(super) fn decode(self, encoding: Encoding, range: Range<usize>, values: &mut Values) {
        let Encoding::Integer { split, .. } = encoding else {
            return self.decode_other(encoding, range, values);
        };
        match values {
            Values::I8(values) => self.extend(false, range, i8::from_le_bytes, values),
            Values::U8(values) => values.extend_from_slice(&self.bytes[range]),
            Values::U16(values) => self.extend(split, range, u16::from_le_bytes, values),
            Values::U32(values) => self.extend(split, range, u32::from_le_bytes, values),
            Values::U64(values) => self.extend(split, range, u64::from_le_bytes, values),
            Values::I16(values) if split => self.extend(true, range, zigzag_i16, values),
            Values::I32(values) if split => self.extend(true, range, zigzag_i32, values),
            Values::I64(values) if split => self.extend(true, range, zigzag_i64, values),
            Values::I16(values) => self.extend(false, range, i16::from_le_bytes, values),
            Values::I32(values) => self.extend(false, range, i32::from_le_bytes, values),
            Values::I64(values) => self.extend(false, range, i64::from_le_bytes, values),
            Values::Bool(_) | Values::F32(_) | Values::F64(_) => {}
        }
    }

    fn decode_other(self, encoding: Encoding, range: Range<usize>, values: &mut Values) {
        match values {
            Values::Bool(values) => {
                values.extend(range.map(|index| self.bytes[index / 8] >> (index % 8) & 1 == 1));
            }
            Values::F32(values) => {
                self.extend_floats(encoding, range, (|single| single, |double| double as f32), values);
            }
            Values::F64(values) => self.extend_floats(encoding, range, (f64::from, |double| double), values),
            _ => {}
        }
    }

    /// Replaces `ends` by all ends of vectors in the page.
    pub(super) fn decode_ends(self, wide: bool, split: bool, ends: &mut Vec<u64>) {
        ends.clear();
        let all = 0..self.values;
        if wide {
            self.extend(split, all, u64::from_le_bytes, ends);
        } else {
            self.extend(split, all, |bytes| u64::from(u32::from_le_bytes(bytes)), ends);
        }
        if split {
            let mut last = 0_u64;
            for end in ends {
                last = last.wrapping_add(*end);
                *end = last;
            }
        }
    }
}

fn zigzag_i16(bytes: [u8; 2]) -> i16 {
    let stored = u16::from_le_bytes(bytes);
    (stored >> 1) as i16 ^ -((stored & 1) as i16)
}

fn zigzag_i32(bytes: [u8; 4]) -> i32 {
    let stored = u32::from_le_bytes(bytes);
    (stored >> 1) as i32 ^ -((stored & 1) as i32)
}

fn zigzag_i64(bytes: [u8; 8]) -> i64 {
    let stored = u64::from_le_bytes(bytes);
    (stored >> 1) as i64 ^ -((stored & 1) as i64)
}

/// The inverse of [`zigzag_i32`].
fn unzigzag_i32(number: i32) -> [u8; 4] {
    (number << 1 ^ number >> 31).to_le_bytes()
}

/// The inverse of [`zigzag_i64`].
fn unzigzag_i64(number: i64) -> [u8; 8] {
    (number << 1 ^ number >> 63).to_le_bytes()
}

/// The number that a half stands for: 1 bit of sign, 5 of exponent, 10 of mantissa.
fn half_to_f32(half: u16) -> f32 {
    const MANTISSA_SHIFT: u32 = 13;
    const EXPONENT_SHIFT: u32 = 112 << 23;
    let sign = u32::from(half & 0x8000) << 16;
    let magnitude = u32::from(half & 0x7fff);
    let bits = match magnitude {
        // Numbers below the normal ones are multiples of 2⁻²⁴.
        0..0x400 => (magnitude as f32 / (1 << 24) as f32).to_bits(),
        0x400..0x7c00 => (magnitude << MANTISSA_SHIFT) + EXPONENT_SHIFT,
        _ => magnitude << MANTISSA_SHIFT | 0x7f80_0000,
    };
    f32::from_bits(sign | bits)
}

#[cfg(test)]
mod tests;
