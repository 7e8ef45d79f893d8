//! The header of a NumPy array (`numpy.lib.format`): the type of its elements and its shape.
//!
//! It is parsed here because the crate for it (`npyz`) needs exponential time for some damaged headers.

use std::io::{Error, Read, Result, Write};

/// The kind of type that the elements have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Signed,
    Unsigned,
    /// UTF-32 text.
    Unicode,
    /// Text of one byte per character.
    Bytes,
}

/// The header of an array of plain values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: Kind,
    pub(crate) big_endian: bool,
    /// Bytes per element.
    pub(crate) size: usize,
    /// Number of elements: the product of the shape, 1 for a scalar.
    pub(crate) length: u64,
}

const MAGIC: &[u8] = b"\x93NUMPY";
/// Largest length of a header in bytes; NumPy refuses longer ones too.
const LONGEST: u64 = 10_000;

impl Header {
    /// Reads a header and the shape of the array, rows first (C order).
    pub(crate) fn read(from: &mut impl Read) -> Result<(Self, Vec<u64>)> {
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
        Self::parse(&text).ok_or_else(|| {
            Error::other(format!("its header is not one of a plain array, rows first: {}", text.trim_end()))
        })
    }

    /// Parses a text such as `{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }`; `None` if it is not
    /// the header of an array of plain values in C order.
    fn parse(text: &str) -> Option<(Self, Vec<u64>)> {
        let after = |key: &str| Some(text.split_once(&format!("'{key}':"))?.1.trim_start());
        let (descr, _) = after("descr")?.strip_prefix('\'')?.split_once('\'')?;
        let mut letters = descr.chars();
        let big_endian = match letters.next()? {
            '<' | '|' => false,
            '>' => true,
            _ => return None,
        };
        let (kind, unit) = match letters.next()? {
            'f' => (Kind::Float, 1),
            'i' => (Kind::Signed, 1),
            'u' => (Kind::Unsigned, 1),
            'U' => (Kind::Unicode, 4),
            'S' => (Kind::Bytes, 1),
            _ => return None,
        };
        let size = letters.as_str().parse::<usize>().ok()?.checked_mul(unit)?;
        let (shape, _) = after("shape")?.strip_prefix('(')?.split_once(')')?;
        let shape = match shape.trim() {
            "" => Vec::new(),
            lengths => {
                let lengths = lengths.strip_suffix(',').unwrap_or(lengths).split(',');
                lengths.map(|length| length.trim().parse().ok()).collect::<Option<Vec<u64>>>()?
            }
        };
        if shape.len() > 1 && !after("fortran_order")?.starts_with("False") {
            return None;
        }
        let length = shape.iter().try_fold(1u64, |product, &length| product.checked_mul(length))?;
        let sizes: &[usize] = match kind {
            Kind::Float => &[4, 8],
            Kind::Signed | Kind::Unsigned => &[1, 2, 4, 8],
            Kind::Unicode | Kind::Bytes => &[],
        };
        let header = Self { kind, big_endian, size, length };
        (sizes.is_empty() || sizes.contains(&size)).then_some((header, shape))
    }

    /// Writes the header of an array of one dimension, or of a scalar if `length` is `None`.
    pub(crate) fn write(to: &mut impl Write, descr: &str, length: Option<u64>) -> Result<()> {
        let shape = length.map_or_else(String::new, |length| format!("{length},"));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back() {
        for (descr, length, kind, size) in [
            ("<f4", Some(17), Kind::Float, 4),
            ("<u8", Some(0), Kind::Unsigned, 8),
            ("<U318", None, Kind::Unicode, 1272),
        ] {
            let mut bytes = Vec::new();
            Header::write(&mut bytes, descr, length).unwrap();
            assert_eq!((bytes.len() % 64, bytes.last()), (0, Some(&b'\n')));
            let header = Header { kind, big_endian: false, size, length: length.unwrap_or(1) };
            let shape = length.into_iter().collect();
            assert_eq!(Header::read(&mut bytes.as_slice()).unwrap(), (header, shape));
        }
    }

    #[test]
    fn tables_have_their_rows_first() {
        let parse = |order: &str| {
            Header::parse(&format!("{{'descr': '<f4', 'fortran_order': {order}, 'shape': (3, 4), }}"))
        };
        let header = Header { kind: Kind::Float, big_endian: false, size: 4, length: 12 };
        assert_eq!((parse("False"), parse("True")), (Some((header, vec![3, 4])), None));
    }

    #[test]
    fn arrays_of_another_make_are_refused() {
        for (descr, shape) in [
            ("|O", "3,"),
            ("<f2", "3,"),
            ("<f4", "3, x"),
            ("<f4", "3,,"),
            ("<f4", "4294967296, 4294967296"),
            ("<c8", "3,"),
            ("<f4", "-1,"),
            ("<U99999999999999999999", ""),
        ] {
            assert_eq!(
                Header::parse(&format!(
                    "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}"
                )),
                None
            );
        }
    }
}
