//! The sizes that pages of a Parquet file state, before the library believes them: it asks for the memory
//! that a page says it unpacks to, up to 2 GiB, and only then unpacks it.
//!
//! A page begins with its header, a structure of Thrift's compact protocol
//! (<https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>), whose fields 2 and
//! 3 are its sizes unpacked and packed
//! (<https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>).

use std::io::{self, BufRead, ErrorKind, Seek, SeekFrom};

/// Structures in structures; those of a page's header are three deep.
const DEEPEST: u32 = 16;

/// The most bytes that a page unpacks to, of those between `start` and `end`.
///
/// # Errors
/// A header is none, or the file ends before.
pub(super) fn largest(file: &mut (impl BufRead + Seek), start: u64, end: u64) -> io::Result<u64> {
    let mut largest = 0;
    let mut place = file.seek(SeekFrom::Start(start))?;
    while place < end {
        let mut header = Header { file, sizes: [None; 2] };
        header.structure(0)?;
        let [Some(unpacked), Some(packed)] = header.sizes else { return Err(damaged()) };
        largest = largest.max(unpacked);
        place = skip(file, packed)?;
    }
    Ok(largest)
}

fn damaged() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a page has no header")
}

fn skip(file: &mut impl Seek, bytes: u64) -> io::Result<u64> {
    file.seek_relative(i64::try_from(bytes).map_err(|_| damaged())?)?;
    file.stream_position()
}

/// The header of a page that is being read.
struct Header<'f, F> {
    file: &'f mut F,
    /// Unpacked and packed.
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

    fn structure(&mut self, depth: u32) -> io::Result<()> {
        let mut number = 0_i64;
        loop {
            let byte = self.byte()?;
            if byte == 0 {
                return Ok(());
            }
            number = match byte >> 4 {
                0 => self.signed()?,
                more => number.saturating_add(more.into()),
            };
            match (depth, number, byte & 0xf) {
                (0, 2 | 3, 5) => {
                    let size = u64::try_from(self.signed()?).map_err(|_| damaged())?;
                    self.sizes[number as usize - 2] = Some(size);
                }
                // In a structure the type says which of both a boolean is.
                (_, _, 1 | 2) => {}
                (_, _, kind) => self.value(kind, depth)?,
            }
        }
    }

    /// Steps over a value of this type.
    fn value(&mut self, kind: u8, depth: u32) -> io::Result<()> {
        match kind {
            // Bytes are read, not skipped: a file has an end, and what a list says of its length has none.
            1..=3 => self.byte().map(drop),
            4..=6 => self.unsigned().map(drop),
            7 => (0..8).try_for_each(|_| self.byte().map(drop)),
            8 => {
                let length = self.unsigned()?;
                skip(self.file, length).map(drop)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let length = if byte >> 4 == 15 { self.unsigned()? } else { u64::from(byte >> 4) };
                self.values(length, &[byte & 0xf], depth)
            }
            11 => {
                let length = self.unsigned()?;
                let kinds = if length > 0 { self.byte()? } else { 0 };
                self.values(length, &[kinds >> 4, kinds & 0xf], depth)
            }
            12 if depth < DEEPEST => self.structure(depth + 1),
            _ => Err(damaged()),
        }
    }

    /// Steps over so many values, of each of these types in turn.
    fn values(&mut self, length: u64, kinds: &[u8], depth: u32) -> io::Result<()> {
        if depth >= DEEPEST {
            return Err(damaged());
        }
        for _ in 0..length {
            for &kind in kinds {
                self.value(kind, depth + 1)?;
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
            &[0x1c, 0x11, 0x12, 0x27, 0, 0, 0, 0],       // 5: a structure with true, false, 4: a double
            &[0, 0, 0, 0, 0x18, 3, 9, 9, 9, 0],          // 5: three bytes
            &[0x19, 0x21, 1, 2],                         // 6: a list of two booleans
            &[0x1b, 1, 0x53, 7, 8],                      // 7: a map of one number to one byte
            &[0x19, 0xf3, 15, 0, 0, 0, 0, 0, 0, 0],      // 8: fifteen bytes
            &[0, 0, 0, 0, 0, 0, 0, 0, 0x19, 0x1c, 0, 0], // 9: a list of one empty structure
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
        // A list that states 2⁶³ bytes, of which there are none.
        let long = [&[0x19, 0xf3][..], &[0xff; 8], &[0x7f]].concat();
        assert!(largest(&mut Cursor::new(long), 0, 1).is_err());
    }
}
