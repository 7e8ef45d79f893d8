//! The headers of a Parquet file and of its pages, before the library believes them. It asks for the memory
//! that a page says it unpacks to, up to 2 GiB, and only then unpacks it. It takes a field for what the
//! format says it is, whatever type the field itself states, and steps over as many booleans as a list says
//! it has without reading one, so that a file of some bytes could keep it busy for ever.
//!
//! Headers are structures of Thrift's compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>), with the fields of
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use std::io::{self, BufRead, ErrorKind, Seek, SeekFrom};

use Kind::{Bool, Byte, Bytes, Double, List, Structure, Whole};

/// Structures and lists in each other; those of the format are eight deep.
const DEEPEST: u32 = 16;

/// What a field is.
enum Kind {
    Bool,
    Byte,
    /// Of 16, 32 or 64 bits, which are written alike.
    Whole,
    Double,
    Bytes,
    List(&'static Kind),
    Structure(Fields),
}

/// The fields of a structure by their numbers. Others are stepped over.
type Fields = &'static [(i64, Kind)];

/// A structure whose presence says all.
const NOTHING: Kind = Structure(&[]);
const STATISTICS: Fields = &[
    (1, Bytes),
    (2, Bytes),
    (3, Whole),
    (4, Whole),
    (5, Bytes),
    (6, Bytes),
    (7, Bool),
    (8, Bool),
    (9, Whole),
];
const DATA_PAGE: Fields = &[(1, Whole), (2, Whole), (3, Whole), (4, Whole), (5, Structure(STATISTICS))];
const DICTIONARY_PAGE: Fields = &[(1, Whole), (2, Whole), (3, Bool)];
/// The second kind of a page of data.
const DATA_PAGE_V2: Fields = &[
    (1, Whole),
    (2, Whole),
    (3, Whole),
    (4, Whole),
    (5, Whole),
    (6, Whole),
    (7, Bool),
    (8, Structure(STATISTICS)),
];
const PAGE: Fields = &[
    (1, Whole),
    // Its size unpacked and packed.
    (2, Whole),
    (3, Whole),
    (4, Whole),
    (5, Structure(DATA_PAGE)),
    (6, NOTHING),
    (7, Structure(DICTIONARY_PAGE)),
    (8, Structure(DATA_PAGE_V2)),
];

const TIME: Fields = &[(1, Bool), (2, Structure(&[(1, NOTHING), (2, NOTHING), (3, NOTHING)]))];
const LOGICAL_TYPE: Fields = &[
    (1, NOTHING),
    (2, NOTHING),
    (3, NOTHING),
    (4, NOTHING),
    (5, Structure(&[(1, Whole), (2, Whole)])),
    (6, NOTHING),
    (7, Structure(TIME)),
    (8, Structure(TIME)),
    (10, Structure(&[(1, Byte), (2, Bool)])),
    (11, NOTHING),
    (12, NOTHING),
    (13, NOTHING),
    (14, NOTHING),
    (15, NOTHING),
    (16, Structure(&[(1, Byte)])),
    (17, Structure(&[(1, Bytes)])),
    (18, Structure(&[(1, Bytes), (2, Whole)])),
    (19, NOTHING),
];
const SCHEMA_ELEMENT: Fields = &[
    (1, Whole),
    (2, Whole),
    (3, Whole),
    (4, Bytes),
    (5, Whole),
    (6, Whole),
    (7, Whole),
    (8, Whole),
    (9, Whole),
    (10, Structure(LOGICAL_TYPE)),
];
const KEY_VALUE: Fields = &[(1, Bytes), (2, Bytes)];
const SIZES: Fields = &[(1, Whole), (2, List(&Whole)), (3, List(&Whole))];
const BOX: Fields =
    &[(1, Double), (2, Double), (3, Double), (4, Double), (5, Double), (6, Double), (7, Double), (8, Double)];
const COLUMN: Fields = &[
    (1, Whole),
    (2, List(&Whole)),
    (3, List(&Bytes)),
    (4, Whole),
    (5, Whole),
    (6, Whole),
    (7, Whole),
    (8, List(&Structure(KEY_VALUE))),
    (9, Whole),
    (10, Whole),
    (11, Whole),
    (12, Structure(STATISTICS)),
    (13, List(&Structure(&[(1, Whole), (2, Whole), (3, Whole)]))),
    (14, Whole),
    (15, Whole),
    (16, Structure(SIZES)),
    (17, Structure(&[(1, Structure(BOX)), (2, List(&Whole))])),
];
const COLUMN_CHUNK: Fields = &[
    (1, Bytes),
    (2, Whole),
    (3, Structure(COLUMN)),
    (4, Whole),
    (5, Whole),
    (6, Whole),
    (7, Whole),
    (9, Bytes),
];
const ROW_GROUP: Fields = &[
    (1, List(&Structure(COLUMN_CHUNK))),
    (2, Whole),
    (3, Whole),
    (4, List(&Structure(&[(1, Whole), (2, Bool), (3, Bool)]))),
    (5, Whole),
    (6, Whole),
    (7, Whole),
];
const FILE: Fields = &[
    (1, Whole),
    (2, List(&Structure(SCHEMA_ELEMENT))),
    (3, Whole),
    (4, List(&Structure(ROW_GROUP))),
    (5, List(&Structure(KEY_VALUE))),
    (6, Bytes),
    (7, List(&Structure(&[(1, NOTHING), (2, NOTHING)]))),
    (9, Bytes),
];

/// Looks at the header of the whole file, which stands at its end. A file that has none is left to the
/// library.
///
/// # Errors
/// It is not what the format says, or the file cannot be read.
pub(super) fn check_header(file: &mut (impl BufRead + Seek)) -> io::Result<()> {
    let size = file.seek(SeekFrom::End(0))?;
    let Some(end) = size.checked_sub(8) else { return Ok(()) };
    let mut last = [0; 8];
    file.seek(SeekFrom::Start(end))?;
    file.read_exact(&mut last)?;
    let [length @ .., b'P', b'A', b'R', b'1'] = last else { return Ok(()) };
    let Some(start) = end.checked_sub(u32::from_le_bytes(length).into()) else { return Ok(()) };
    file.seek(SeekFrom::Start(start))?;
    Header { file, sizes: [None; 2] }.structure(FILE, 0)
}

/// The most bytes that a page unpacks to, of those between `start` and `end`.
///
/// # Errors
/// A header is none, or the file ends before.
pub(super) fn largest(file: &mut (impl BufRead + Seek), start: u64, end: u64) -> io::Result<u64> {
    let mut largest = 0;
    let mut place = file.seek(SeekFrom::Start(start))?;
    while place < end {
        let mut header = Header { file, sizes: [None; 2] };
        header.structure(PAGE, 0)?;
        let [Some(unpacked), Some(packed)] = header.sizes else { return Err(damaged()) };
        largest = largest.max(unpacked);
        place = skip(file, packed)?;
    }
    Ok(largest)
}

fn damaged() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a header is not one of Parquet")
}

fn skip(file: &mut impl Seek, bytes: u64) -> io::Result<u64> {
    file.seek_relative(i64::try_from(bytes).map_err(|_| damaged())?)?;
    file.stream_position()
}

/// A header that is being read.
struct Header<'f, F> {
    file: &'f mut F,
    /// Fields 2 and 3, where they are numbers: of a page its size unpacked and packed.
    sizes: [Option<u64>; 2],
}

impl<F: BufRead + Seek> Header<'_, F> {
    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.file.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    /// Seven bits a byte, the lowest first.
    fn unsigned(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(damaged())
    }

    /// Numbers with a sign have it in the lowest bit.
    fn signed(&mut self) -> io::Result<i64> {
        let bits = self.unsigned()?;
        Ok((bits >> 1) as i64 ^ -((bits & 1) as i64))
    }

    fn structure(&mut self, fields: Fields, depth: u32) -> io::Result<()> {
        let mut number = 0_i64;
        loop {
            let byte = self.byte()?;
            if byte == 0 {
                return Ok(());
            }
            number = match byte >> 4 {
                0 => self.signed()?,
                more => number + i64::from(more),
            };
            // Numbers of fields have 16 bits.
            if i16::try_from(number).is_err() {
                return Err(damaged());
            }
            let known = fields.iter().find(|(field, _)| *field == number).map(|(_, kind)| kind);
            match (known, byte & 0xf) {
                // In a structure the type says which of both a boolean is.
                (Some(Bool) | None, 1 | 2) => {}
                (Some(Whole), 4..=6) if depth == 0 && matches!(number, 2 | 3) => {
                    let size = u64::try_from(self.signed()?).map_err(|_| damaged())?;
                    self.sizes[number as usize - 2] = Some(size);
                }
                (known, kind) => self.value(known, kind, depth)?,
            }
        }
    }

    /// Steps over a value of the type `kind`, which must be the known one if it is known.
    fn value(&mut self, known: Option<&Kind>, kind: u8, depth: u32) -> io::Result<()> {
        if depth >= DEEPEST {
            return Err(damaged());
        }
        match (known, kind) {
            // Bytes are read, not skipped: a file has an end, and what a list says of its length has none.
            (Some(Byte) | None, 3) => self.byte().map(drop),
            (Some(Whole) | None, 4..=6) => self.unsigned().map(drop),
            (Some(Double) | None, 7) => (0..8).try_for_each(|_| self.byte().map(drop)),
            (Some(Bytes) | None, 8) => {
                let length = self.unsigned()?;
                skip(self.file, length).map(drop)
            }
            (Some(List(_)) | None, 9) | (None, 10) => {
                let of = if let Some(List(of)) = known { Some(*of) } else { None };
                let byte = self.byte()?;
                let length = if byte >> 4 == 15 { self.unsigned()? } else { u64::from(byte >> 4) };
                self.values(length, of, &[byte & 0xf], depth)
            }
            (None, 11) => {
                let length = self.unsigned()?;
                let kinds = if length > 0 { self.byte()? } else { 0 };
                self.values(length, None, &[kinds >> 4, kinds & 0xf], depth)
            }
            (Some(Structure(fields)), 12) => self.structure(fields, depth + 1),
            (None, 12) => self.structure(&[], depth + 1),
            // So are booleans in lists, of which the format has none where the library looks.
            _ => Err(damaged()),
        }
    }

    /// Steps over so many values, of each of these types in turn.
    fn values(&mut self, length: u64, of: Option<&Kind>, kinds: &[u8], depth: u32) -> io::Result<()> {
        for _ in 0..length {
            for &kind in kinds {
                self.value(of, kind, depth + 1)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// A header with sizes 300 and 5, and one value of each type besides.
    #[test]
    fn headers_are_stepped_through() {
        let header = [
            &[0x15, 0][..],                              // 1: kind of page, 0
            &[0x15, 0xd8, 0x04],                         // 2: 300
            &[0x15, 10],                                 // 3: 5
            &[0x05, 8, 1],                               // 4, by its number: -1
            &[0x1c, 0xb1, 0x12, 0x27, 0, 0, 0, 0],       // 5: 11, 12: true, false, 14: a double
            &[0, 0, 0, 0, 0x18, 3, 9, 9, 9, 0],          // 15: three bytes
            &[0x1c, 0],                                  // 6: an empty structure
            &[0x4b, 1, 0x53, 7, 8],                      // 10: a map of one number to one byte
            &[0x19, 0xf3, 15, 0, 0, 0, 0, 0, 0, 0],      // 11: fifteen bytes
            &[0, 0, 0, 0, 0, 0, 0, 0, 0x19, 0x1c, 0, 0], // 12: a list of one empty structure
        ]
        .concat();
        let page = [&header[..], &[7; 5]].concat();
        let mut two = Cursor::new([&[1, 2, 3][..], &page, &page].concat());
        let end = 3 + 2 * page.len() as u64;
        assert_eq!(largest(&mut two, 3, end).unwrap(), 300);
        // The second page lies beyond the end.
        assert!(largest(&mut two, 3, end + 1).is_err());
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in [&[][..], &[0], &[0x15, 0, 0], &[0x15, 0, 0x15, 1, 0x15, 0, 0], &[0x1c; 40], &[0x1f, 0]]
        {
            assert!(largest(&mut Cursor::new(bytes), 0, 1).is_err(), "{bytes:?}");
        }
        // A list of booleans, a size that is a text, and the number of a field that has more than 16 bits.
        for wrong in [&[0x19, 0x21, 1, 2][..], &[0x28, 1, 9, 0], &[0x05, 0x80, 0x80, 0x04, 0]] {
            assert!(largest(&mut Cursor::new([wrong, &[0; 40]].concat()), 0, 1).is_err(), "{wrong:?}");
        }
        // A list that states 2⁶³ bytes, of which there are none.
        let long = [&[0xb9, 0xf3][..], &[0xff; 8], &[0x7f]].concat();
        assert!(largest(&mut Cursor::new(long), 0, 1).is_err());
    }
}
