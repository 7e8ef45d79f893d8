//! `Float16_t` and `Double32_t`: numbers that take fewer bytes in a file than in memory.
//!
//! The rules are those of ROOT (`TStreamerElement::GetRange`, `TBufferFile::ReadFloat16` and `ReadDouble32`,
//! documented for `TBufferFile::WriteDouble32`): a range in the title of a leaf or a member says how a number
//! is stored, `[low,high]` or `[low,high,bits]` as an integer, and `[0,0,bits]` as a float of fewer bits.

use std::f64::consts::PI;

use super::branch::ElementType;

/// Bits of the mantissa of a `Float16_t` without a range.
const FLOAT16_BITS: i32 = 12;
/// Bits of the mantissa of a 32-bit float; no other number of bits can be larger.
const MANTISSA_BITS: i32 = 23;

/// How single values are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Packing {
    /// As the big-endian bytes of their type.
    #[default]
    None,
    /// A `Double32_t` as a 32-bit float.
    Float,
    /// A number as an unsigned integer of 32 bits: `low` plus the integer over `factor`.
    Scaled { factor: f64, low: f64 },
    /// A byte for the exponent of a 32-bit float, and 16 bits for the first bits of its mantissa and its
    /// sign.
    Truncated { bits: u32 },
}

/// Names, types in memory and packings of the two types, given the text that may hold a range. `None` if it
/// is neither, or has a range without a meaning, such as `[-2,-5,20]`.
pub(super) fn packed(name: &str, title: &str) -> Option<(ElementType, Packing)> {
    let element = match name {
        "Float16_t" => ElementType::F32,
        "Double32_t" => ElementType::F64,
        _ => return None,
    };
    let Range { low, factor } = Range::in_title(title);
    let packing = match (low as i32, element) {
        _ if factor != 0.0 => Packing::Scaled { factor, low },
        (0, ElementType::F64) => Packing::Float,
        (0, _) => Packing::Truncated { bits: FLOAT16_BITS as u32 },
        (bits @ 1..=MANTISSA_BITS, _) => Packing::Truncated { bits: bits as u32 },
        _ => return None,
    };
    Some((element, packing))
}

impl Packing {
    /// Bytes of a value in the file.
    pub(super) fn size(self, element: ElementType) -> usize {
        match self {
            Self::None => element.size(),
            Self::Float | Self::Scaled { .. } => 4,
            Self::Truncated { .. } => 3,
        }
    }

    /// The values that `bytes` hold, if they are packed at all.
    pub(super) fn values(self, bytes: &[u8]) -> impl Iterator<Item = f64> {
        let size = self.size(ElementType::F32);
        bytes.chunks_exact(size).map(move |bytes| match (self, bytes) {
            (Self::Scaled { factor, low }, &[a, b, c, d]) => {
                f64::from(u32::from_be_bytes([a, b, c, d])) / factor + low
            }
            (Self::Truncated { bits }, &[exponent, high, low]) => {
                f64::from(truncated(exponent, u16::from_be_bytes([high, low]), bits))
            }
            (_, &[a, b, c, d]) => f64::from(f32::from_be_bytes([a, b, c, d])),
            _ => 0.0,
        })
    }
}

/// A float from its exponent and the first `bits` bits of its mantissa, rounded to one bit more than that.
fn truncated(exponent: u8, mantissa: u16, bits: u32) -> f32 {
    let mantissa = u32::from(mantissa);
    let size = u32::from(exponent) << MANTISSA_BITS
        | (mantissa & ((1 << (bits + 1)) - 1)) << (MANTISSA_BITS as u32 - bits);
    let value = f32::from_bits(size);
    if mantissa & 1 << (bits + 1) == 0 { value } else { -value }
}

/// What a range asks for. If `factor` is zero, `low` is the number of bits of the mantissa, or zero.
#[derive(Debug, Default, PartialEq)]
struct Range {
    low: f64,
    factor: f64,
}

impl Range {
    /// The range in a title such as `x[n][-2,2,12]`. Brackets without a comma are dimensions.
    fn in_title(title: &str) -> Self {
        let groups = title.split('[').skip(1).filter_map(|group| group.split_once(']'));
        let inside = groups.map(|(inside, _)| inside).find(|inside| inside.contains(','));
        let mut parts = inside.unwrap_or_default().splitn(3, ',');
        let (Some(low), Some(high)) = (parts.next(), parts.next()) else { return Self::default() };
        let bits = parts.next().map_or(32, |bits| leading_number(bits.trim_start()) as i64);
        let bits = if (2..=32).contains(&bits) { bits } else { 32 };
        let (low, high) = (limit(low), limit(high));
        if low < high {
            let steps = if bits < 32 { 1_u32 << bits } else { u32::MAX };
            return Self { low, factor: f64::from(steps) / (high - low) };
        }
        Self { low: if bits < 15 { bits as f64 + 0.1 } else { low }, factor: 0.0 }
    }
}

/// A limit of a range: a number, or one of the multiples of π that ROOT knows.
fn limit(text: &str) -> f64 {
    let text: String = text.to_lowercase().replace(' ', "");
    if !text.contains("pi") {
        return leading_number(&text);
    }
    let multiple = match () {
        () if ["2pi", "2*pi", "twopi"].iter().any(|twice| text.contains(twice)) => 2.0 * PI,
        () if text.contains("pi/2") => PI / 2.0,
        () if text.contains("pi/4") => PI / 4.0,
        () => PI,
    };
    if text.contains('-') { -multiple } else { multiple }
}

/// The number at the start of a text, 0 if there is none.
fn leading_number(text: &str) -> f64 {
    let end = text.find(|c: char| !c.is_ascii_digit() && !"+-.eE".contains(c)).unwrap_or(text.len());
    (1..=end.min(64)).rev().find_map(|end| text.get(..end)?.parse().ok()).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_in_titles() {
        let range = |title| Range::in_title(title);
        for title in ["x", "x[n]", "x[3]", "x[3][4]", "x[1,", ""] {
            assert_eq!(range(title), Range::default(), "{title}");
        }
        assert_eq!(range("x[-2,2,12]"), Range { low: -2.0, factor: 1024.0 });
        assert_eq!(range("x[n][ 0 , 8e0, 3]"), Range { low: 0.0, factor: 1.0 });
        assert_eq!(range("x[n][2][3][0,4,3]"), Range { low: 0.0, factor: 2.0 });
        assert_eq!(range("[0,1]"), Range { low: 0.0, factor: f64::from(u32::MAX) });
        assert_eq!(range("[0,1,99]"), range("[0,1]"));
        assert_eq!(range("[0,0,10]"), Range { low: 10.1, factor: 0.0 });
        assert_eq!(range("[0,0,16]"), Range::default());
        assert_eq!(range("[-Pi/2, twopi,8]"), Range { low: -PI / 2.0, factor: 256.0 / (2.5 * PI) });
    }

    #[test]
    fn values_are_unpacked() {
        let values = |packing: Packing, bytes: &[u8]| packing.values(bytes).collect::<Vec<_>>();
        let scaled = Packing::Scaled { factor: 1024.0, low: -2.0 };
        assert_eq!(values(scaled, &[0, 0, 0, 0, 0, 0, 16, 0]), [-2.0, 2.0]);
        assert_eq!(values(Packing::Float, &1.5_f32.to_be_bytes()), [1.5]);
        // 1.5 has the exponent 127 and the first bit of the mantissa; its sign is bit 13 of 12 bits.
        let truncated = Packing::Truncated { bits: 12 };
        assert_eq!(values(truncated, &[127, 8, 0, 127, 0x28, 0]), [1.5, -1.5]);
    }

    #[test]
    fn a_range_without_a_meaning_is_refused() {
        assert_eq!(packed("Float16_t", "x[-2,-5,20]"), None);
        assert_eq!(packed("Double32_t", "x[90,80]"), None);
        assert_eq!(packed("float", "x"), None);
        assert_eq!(packed("Double32_t", "x"), Some((ElementType::F64, Packing::Float)));
        let truncated = Packing::Truncated { bits: 6 };
        assert_eq!(packed("Float16_t", "x[0,0,6]"), Some((ElementType::F32, truncated)));
    }
}
