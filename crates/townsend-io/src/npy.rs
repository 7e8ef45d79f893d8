//! NumPy arrays (`numpy.lib.format`): the header, which holds the type of the elements and the shape, and the
//! elements.
//!
//! It is parsed here because the crate for it (`npyz`) needs exponential time for some damaged headers.

use std::io::{Error, Read, Result, Write};

use crate::columns::Values;

/// The kind of type that the elements have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
    /// UTF-32 text.
    Unicode,
    /// Text of one byte per character.
    Bytes,
    /// Python objects, records, complex numbers, dates, `float128`.
    Other,
}

/// The header of an array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    /// NumPy's name of the type, such as `<f4`; a list of names and types for records.
    pub(crate) descr: String,
    pub(crate) kind: Kind,
    pub(crate) big_endian: bool,
    /// Bytes per element; 0 for types of the kind [`Kind::Other`].
    pub(crate) size: usize,
    /// Number of elements along each dimension; empty for a scalar.
    pub(crate) shape: Vec<u64>,
    /// The first index runs fastest.
    pub(crate) fortran_order: bool,
}

const MAGIC: &[u8] = b"\x93NUMPY";
/// Largest length of a header in bytes; NumPy refuses longer ones too.
const LONGEST: u64 = 10_000;

impl Header {
    /// Reads a header.
    pub(crate) fn read(from: &mut impl Read) -> Result<Self> {
        let mut start = [0; 8];
        from.read_exact(&mut start)?;
        if !start.starts_with(MAGIC) {
            return Err(Error::other("it is no NumPy array"));
        }
        let mut length = [0; 4];
        let bytes = if start[6] == 1 { 2 } else { 4 };
        from.read_exact(&mut length[..bytes])?;
        let length = u64::from(u32::from_le_bytes(length));
        let mut text = Vec::new();
        from.take(length.min(LONGEST)).read_to_end(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        Self::parse(&text)
            .ok_or_else(|| Error::other(format!("its header is not that of an array: {}", text.trim_end())))
    }

    /// Parses a text such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }`; `None` if it is not
    /// the header of an array.
    fn parse(text: &str) -> Option<Self> {
        let after = |key: &str| Some(text.split_once(&format!("'{key}':"))?.1.trim_start());
        let descr = after("descr")?;
        let (descr, _) = match descr.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'')?,
            None => descr.split_once(", 'fortran_order'")?,
        };
        let (kind, size) = element(descr)?;
        let (shape, _) = after("shape")?.strip_prefix('(')?.split_once(')')?;
        let shape = match shape.trim() {
            "" => Vec::new(),
            lengths => {
                let lengths = lengths.strip_suffix(',').unwrap_or(lengths).split(',');
                // Python 2 wrote `3L`.
                let length = |length: &str| length.trim().trim_end_matches('L').parse().ok();
                lengths.map(length).collect::<Option<Vec<u64>>>()?
            }
        };
        let fortran_order = match after("fortran_order")? {
            order if order.starts_with("True") => shape.len() > 1,
            order if order.starts_with("False") => false,
            _ => return None,
        };
        let big_endian = descr.starts_with('>');
        let header = Self { descr: descr.into(), kind, big_endian, size, shape, fortran_order };
        header.bytes().is_some().then_some(header)
    }

    /// Number of elements: the product of the shape, 1 for a scalar.
    pub(crate) fn length(&self) -> u64 {
        self.shape.iter().fold(1, |product, &length| product.saturating_mul(length))
    }

    /// Number of bytes of all elements, if that is a number at all.
    pub(crate) fn bytes(&self) -> Option<u64> {
        let sizes = self.shape.iter().copied().chain([self.size as u64]);
        sizes.into_iter().try_fold(1_u64, u64::checked_mul)
    }

    /// The type as users know it: `float32`.
    pub(crate) fn type_name(&self) -> String {
        let bits = 8 * self.size;
        match self.kind {
            Kind::Float => format!("float{bits}"),
            Kind::Signed => format!("int{bits}"),
            Kind::Unsigned => format!("uint{bits}"),
            Kind::Bool => "bool".into(),
            Kind::Unicode | Kind::Bytes => "text".into(),
            Kind::Other => match self.descr.trim_start_matches(['<', '>', '|']).chars().next() {
                Some('O') => "Python objects".into(),
                Some('[' | 'V') => "records".into(),
                Some('f') => "float128".into(),
                Some('c') => "complex numbers".into(),
                Some('M' | 'm') => "dates".into(),
                _ => format!("type {}", self.descr),
            },
        }
    }

    /// Why the elements are not read as numbers, and what to do.
    pub(crate) fn refusal(&self) -> String {
        let name = self.type_name();
        let remedy = match name.as_str() {
            "Python objects" => {
                "store numbers: np.concatenate joins lists of different lengths, and `offsets` says where each begins"
            }
            "records" => {
                "store each field under its name: np.savez(file, **{n: a[n] for n in a.dtype.names})"
            }
            "float128" => "store float64: a.astype(np.float64)",
            "dates" => "store numbers: a.astype(np.int64)",
            _ => "store float64, float32 or integers",
        };
        format!("{name}, not numbers that can be read\n  hint: {remedy}")
    }

    /// The elements whose bytes are given, row by row; `None` if they are no numbers.
    pub(crate) fn values(&self, bytes: &[u8]) -> Option<Values> {
        let big = self.big_endian;
        Some(match (self.kind, self.size) {
            (Kind::Float, 2) => Values::F32(elements(bytes, big, |b| half(u16::from_le_bytes(b)))),
            (Kind::Float, 4) => Values::F32(elements(bytes, big, f32::from_le_bytes)),
            (Kind::Float, 8) => Values::F64(elements(bytes, big, f64::from_le_bytes)),
            (Kind::Signed, 1) => Values::I8(elements(bytes, big, i8::from_le_bytes)),
            (Kind::Signed, 2) => Values::I16(elements(bytes, big, i16::from_le_bytes)),
            (Kind::Signed, 4) => Values::I32(elements(bytes, big, i32::from_le_bytes)),
            (Kind::Signed, 8) => Values::I64(elements(bytes, big, i64::from_le_bytes)),
            (Kind::Unsigned, 1) => Values::U8(bytes.to_vec()),
            (Kind::Unsigned, 2) => Values::U16(elements(bytes, big, u16::from_le_bytes)),
            (Kind::Unsigned, 4) => Values::U32(elements(bytes, big, u32::from_le_bytes)),
            (Kind::Unsigned, 8) => Values::U64(elements(bytes, big, u64::from_le_bytes)),
            (Kind::Bool, _) => Values::Bool(bytes.iter().map(|&byte| byte != 0).collect()),
            _ => return None,
        })
    }

    /// The elements row by row (the last index fastest), if `bytes` are those of an array whose first index
    /// runs fastest.
    pub(crate) fn rows_first(&self, bytes: Vec<u8>) -> Vec<u8> {
        if !self.fortran_order || bytes.is_empty() {
            return bytes;
        }
        let shape: Vec<usize> = self.shape.iter().map(|&length| length as usize).collect();
        let step = |k: usize| shape[..k].iter().product::<usize>();
        let steps: Vec<usize> = (0..shape.len()).map(step).collect();
        let mut index = vec![0; shape.len()];
        let mut rows = Vec::with_capacity(bytes.len());
        for _ in 0..self.length() {
            let at = self.size * index.iter().zip(&steps).map(|(i, step)| i * step).sum::<usize>();
            rows.extend_from_slice(&bytes[at..at + self.size]);
            for k in (0..shape.len()).rev() {
                index[k] += 1;
                if index[k] < shape[k] {
                    break;
                }
                index[k] = 0;
            }
        }
        rows
    }

    /// Writes the header of an array, rows first, with so many elements along each dimension; none for a
    /// scalar.
    pub(crate) fn write(to: &mut impl Write, descr: &str, shape: &[u64]) -> Result<()> {
        let lengths: Vec<String> = shape.iter().map(u64::to_string).collect();
        // A tuple of one element has a comma.
        let shape = if let [one] = &lengths[..] { format!("{one},") } else { lengths.join(", ") };
        let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
        // In format version 1.0 the data begin at a multiple of 64 bytes, and the header ends with a newline.
        let padding = 63 - (MAGIC.len() + 4 + text.len()) % 64;
        text.extend(std::iter::repeat_n(' ', padding));
        text.push('\n');
        to.write_all(MAGIC)?;
        to.write_all(&[1, 0])?;
        to.write_all(&(text.len() as u16).to_le_bytes())?;
        to.write_all(text.as_bytes())
    }
}

/// The kind and size of elements of the type `descr`; `None` if there is no such type.
fn element(descr: &str) -> Option<(Kind, usize)> {
    let mut letters = descr.chars();
    if descr.starts_with('[') {
        return Some((Kind::Other, 0));
    }
    if !matches!(letters.next()?, '<' | '|' | '>') {
        return None;
    }
    let letter = letters.next()?;
    let size = || letters.as_str().parse::<usize>().ok();
    match letter {
        'f' | 'i' | 'u' => {
            let (kind, sizes, others): (_, &[usize], &[usize]) = match letter {
                'f' => (Kind::Float, &[2, 4, 8], &[12, 16]),
                'i' => (Kind::Signed, &[1, 2, 4, 8], &[]),
                _ => (Kind::Unsigned, &[1, 2, 4, 8], &[]),
            };
            let size = size()?;
            match size {
                _ if sizes.contains(&size) => Some((kind, size)),
                _ if others.contains(&size) => Some((Kind::Other, 0)),
                _ => None,
            }
        }
        'b' => (size()? == 1).then_some((Kind::Bool, 1)),
        'U' => Some((Kind::Unicode, size()?.checked_mul(4)?)),
        'S' => Some((Kind::Bytes, size()?)),
        'O' | 'V' | 'c' | 'M' | 'm' => Some((Kind::Other, 0)),
        _ => None,
    }
}

/// Elements of `N` bytes each, in little-endian order unless `big`.
fn elements<T, const N: usize>(bytes: &[u8], big: bool, from_le: fn([u8; N]) -> T) -> Vec<T> {
    let element = |&(mut element): &[u8; N]| {
        if big {
            element.reverse();
        }
        from_le(element)
    };
    bytes.as_chunks().0.iter().map(element).collect()
}

/// The number with these bits in IEEE 754's format of 16 bits: a sign, 5 bits of exponent, 10 of the
/// fraction.
fn half(bits: u16) -> f32 {
    let fraction = f32::from(bits & 0x3ff);
    let size = match (bits >> 10) & 0x1f {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1024.0 + fraction) * 2f32.powi(i32::from(exponent) - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(descr: &str, order: &str, shape: &str) -> Option<Header> {
        Header::parse(&format!("{{'descr': {descr}, 'fortran_order': {order}, 'shape': ({shape}), }}"))
    }

    #[test]
    fn headers_come_back() {
        for (descr, shape, kind, size) in [
            ("<f4", vec![17], Kind::Float, 4),
            ("<i8", vec![0], Kind::Signed, 8),
            ("<f4", vec![5, 3], Kind::Float, 4),
            ("<U318", vec![], Kind::Unicode, 1272),
        ] {
            let mut bytes = Vec::new();
            Header::write(&mut bytes, descr, &shape).unwrap();
            assert_eq!((bytes.len() % 64, bytes.last()), (0, Some(&b'\n')));
            let header =
                Header { descr: descr.into(), kind, big_endian: false, size, shape, fortran_order: false };
            assert_eq!(Header::read(&mut bytes.as_slice()).unwrap(), header);
        }
    }

    #[test]
    fn columns_first_become_rows_first() {
        let header = parse("'|u1'", "True", "2, 3").unwrap();
        assert_eq!(header.rows_first(vec![1, 4, 2, 5, 3, 6]), [1, 2, 3, 4, 5, 6]);
        let header = parse("'|u1'", "True", "2, 2, 2").unwrap();
        assert_eq!(header.rows_first(vec![0, 4, 2, 6, 1, 5, 3, 7]), [0, 1, 2, 3, 4, 5, 6, 7]);
        let line = parse("'|u1'", "True", "3,").unwrap();
        assert_eq!(line.rows_first(vec![1, 2, 3]), [1, 2, 3]);
    }

    /// The examples of IEEE 754's binary16: the largest, the smallest, the nearest to a third.
    #[test]
    fn halves_are_exact() {
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 2f32.powi(-14)),
            (0x0001, 2f32.powi(-24)),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half(bits).to_bits(), value.to_bits(), "{bits:x}");
        }
        assert!(half(0x7e00).is_nan());
        assert_eq!(half(0x8000).to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn arrays_that_are_no_numbers_say_what_they_are() {
        for (descr, said) in [
            ("'|O'", "Python objects"),
            ("'<f16'", "float128, not numbers that can be read\n  hint: store float64: a.astype"),
            ("'<c8'", "complex"),
            ("'<M8[ns]'", "dates"),
            (
                "[('x', '<f4'), ('z', '<f4')]",
                "records, not numbers that can be read\n  hint: store each field",
            ),
            ("'|V8'", "records"),
        ] {
            let header = parse(descr, "False", "3,").unwrap();
            assert!(header.kind == Kind::Other && header.refusal().contains(said), "{}", header.refusal());
            assert_eq!(header.values(&[]), None);
        }
        assert_eq!(parse("'<i4'", "False", "3L,").unwrap().shape, [3]);
    }

    #[test]
    fn damaged_headers_are_refused() {
        for (descr, shape) in [
            ("<f4", "3, x"),
            ("<f4", "3,,"),
            ("<f4", "4294967296, 4294967296"),
            ("<f3", "3,"),
            ("=f4", "3,"),
            ("<f4", "-1,"),
            ("<b2", "3,"),
            ("<U99999999999999999999", ""),
            ("", "3,"),
        ] {
            assert_eq!(parse(&format!("'{descr}'"), "False", shape), None, "{descr} {shape}");
        }
        assert_eq!(parse("'<f4'", "Maybe", "3,"), None);
    }
}
