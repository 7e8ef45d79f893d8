//! Reading ROOT's big-endian streams. Every access is checked against the bytes that are there.
//!
//! Layout (`TBufferFile` of ROOT): an object starts with a `u32` byte count (bit 30 set, counting what
//! follows it) and an `i16` class version. A pointer to an object starts with a byte count and a tag:
//! [`NEW_CLASS`] and a NUL-terminated class name at the first use of a class in a buffer; bit 31 and the
//! place of that first tag later; or the place of an object that came before; or zero. Places count from the
//! start of the record, key included, plus [`MAP_OFFSET`].

use std::borrow::Cow;

use crate::error::Fault;

/// The bit that tells a byte count from a version.
pub(crate) const BYTE_COUNT: u32 = 0x4000_0000;
/// The tag before the name of a class that is used for the first time in a record.
pub(crate) const NEW_CLASS: u32 = 0xffff_ffff;
/// The bit that marks a tag as a reference to a class named before.
pub(crate) const CLASS_MASK: u32 = 0x8000_0000;
/// Added to places in tags, because the tags 0 and 1 mean "no object".
pub(crate) const MAP_OFFSET: u32 = 2;
/// The bit of `TObject::fBits` that tells that a process id of 2 bytes follows.
const IS_REFERENCED: u32 = 0x10;

/// A position in the bytes of one record, from which values are read. Copies are cheap and independent.
#[derive(Clone, Debug)]
pub(crate) struct Buffer<'a> {
    /// The bytes of the whole record, so that references to earlier classes can be followed.
    record: &'a [u8],
    position: usize,
    end: usize,
    /// The place of `record[0]`: the length of the key, because places count from the start of the key.
    origin: usize,
}

/// The result of reading a pointer to an object.
#[derive(Debug)]
pub(crate) enum Pointer<'a> {
    Null,
    /// An object of `class`; `body` holds its bytes, from its own byte count and version on.
    Object {
        class: &'a str,
        /// The place by which later pointers in the record refer to this object.
        place: u32,
        body: Buffer<'a>,
    },
    /// A reference to an object elsewhere in the record, by its place.
    Earlier(u32),
}

macro_rules! read_numbers {
    ($($name:ident),*) => {$(
        pub(crate) fn $name(&mut self) -> Result<$name, Fault> {
            self.array().map($name::from_be_bytes)
        }
    )*};
}

impl<'a> Buffer<'a> {
    /// The start of `record`, which follows a key of `origin` bytes.
    pub(crate) fn new(record: &'a [u8], origin: usize) -> Self {
        Self { record, position: 0, end: record.len(), origin }
    }

    read_numbers!(u8, u16, i16, u32, i32, u64, i64, f64);

    pub(crate) fn remaining(&self) -> usize {
        self.end - self.position
    }

    /// The position: number of bytes from the start of the record.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        if length > self.remaining() {
            return Err(Fault::Damaged(format!(
                "{length} bytes are wanted at byte {} where {} are left",
                self.position,
                self.remaining()
            )));
        }
        let from = self.position;
        self.position += length;
        Ok(&self.record[from..self.position])
    }

    pub(crate) fn skip(&mut self, length: usize) -> Result<(), Fault> {
        self.bytes(length).map(drop)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let bytes = self.bytes(N)?;
        let mut array = [0; N];
        array.copy_from_slice(bytes);
        Ok(array)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Fault> {
        self.u8().map(|byte| byte != 0)
    }

    /// Reads a length: an `i32` that is not negative and for which, at `size` bytes an item, enough bytes are
    /// left.
    pub(crate) fn count(&mut self, size: usize) -> Result<usize, Fault> {
        let at = self.position;
        let count = self.i32()?;
        usize::try_from(count).ok().filter(|&count| count <= self.remaining() / size.max(1)).ok_or_else(
            || {
                Fault::Damaged(format!(
                    "{count} items of {size} bytes are announced at byte {at} where {} bytes are left",
                    self.remaining()
                ))
            },
        )
    }

    /// Reads a `TArray` with items of `size` bytes, and returns its bytes.
    pub(crate) fn array_bytes(&mut self, size: usize) -> Result<&'a [u8], Fault> {
        let count = self.count(size)?;
        self.bytes(count * size)
    }

    /// Reads a `TArrayD` into `out`, whose memory is used again.
    pub(crate) fn f64_array_into(&mut self, out: &mut Vec<f64>) -> Result<(), Fault> {
        out.clear();
        let (items, _) = self.array_bytes(8)?.as_chunks();
        out.extend(items.iter().copied().map(f64::from_be_bytes));
        Ok(())
    }

    /// Reads a `TString`: its length in one byte, or 255 and the length in four bytes; then its bytes.
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        let length = match self.u8()? {
            255 => self.count(1)?,
            short => usize::from(short),
        };
        self.bytes(length).map(String::from_utf8_lossy)
    }

    /// Reads the NUL-terminated name of a class.
    fn class_name(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.record[self.position..self.end];
        let length = rest.iter().position(|&byte| byte == 0);
        let length = length.ok_or_else(|| Fault::damaged("the name of a class does not end"))?;
        let name = std::str::from_utf8(self.bytes(length)?);
        self.skip(1)?;
        name.map_err(|_| Fault::damaged("the name of a class is not text"))
    }

    /// Byte count and version of an object, and its body up to where the byte count says that it ends. `self`
    /// goes on after the object, so what is not read of the body (members added by later versions) is
    /// skipped.
    pub(crate) fn object(&mut self) -> Result<(i16, Self), Fault> {
        let mut body = self.counted()?;
        let version = body.i16()?;
        Ok((version, body))
    }

    /// Reads an object whose version may come without a byte count, as in histograms of Geant4: `read` gets
    /// the version and the members. Without a byte count, `read` has to read all members, for nothing else
    /// tells where the object ends.
    pub(crate) fn maybe_counted<T>(
        &mut self,
        read: impl FnOnce(i16, &mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        if self.is_counted() {
            let (version, mut body) = self.object()?;
            return read(version, &mut body);
        }
        let at = self.position;
        match self.i16()? {
            version @ 1.. => read(version, self),
            _ => Err(Fault::Damaged(format!("no object starts at byte {at}"))),
        }
    }

    /// Whether the object that starts here has a byte count.
    pub(crate) fn is_counted(&self) -> bool {
        self.clone().u32().is_ok_and(|count| count & BYTE_COUNT != 0)
    }

    /// Skips an object.
    pub(crate) fn skip_object(&mut self) -> Result<(), Fault> {
        self.counted().map(drop)
    }

    /// Skips an object whose members take `length` bytes where it has no byte count.
    pub(crate) fn skip_maybe_counted(&mut self, length: usize) -> Result<(), Fault> {
        if self.is_counted() { self.skip_object() } else { self.skip(2 + length) }
    }

    /// Reads a byte count, and returns the bytes that it covers.
    fn counted(&mut self) -> Result<Self, Fault> {
        let at = self.position;
        let count = self.u32()?;
        if count & BYTE_COUNT == 0 || count == NEW_CLASS {
            return Err(Fault::Damaged(format!("no object starts at byte {at}")));
        }
        let mut body = self.clone();
        self.skip((count & !BYTE_COUNT) as usize)?;
        body.end = self.position;
        Ok(body)
    }

    /// Reads the base `TObject`: version, id and bits (and a process id when referenced), without a byte
    /// count.
    pub(crate) fn tobject(&mut self) -> Result<(), Fault> {
        let (_version, _id, bits) = (self.u16()?, self.u32()?, self.u32()?);
        if bits & IS_REFERENCED != 0 {
            self.skip(2)?;
        }
        Ok(())
    }

    /// Reads the base `TNamed`: name and title.
    pub(crate) fn tnamed(&mut self) -> Result<(Cow<'a, str>, Cow<'a, str>), Fault> {
        self.maybe_counted(|_, body| {
            body.tobject()?;
            Ok((body.string()?, body.string()?))
        })
    }

    /// Reads a pointer to an object, whose class its tag tells.
    pub(crate) fn pointer(&mut self) -> Result<Pointer<'a>, Fault> {
        let place = self.place();
        let mut peek = self.clone();
        let count = peek.u32()?;
        if count & BYTE_COUNT == 0 || count == NEW_CLASS {
            return self.uncounted_pointer(count);
        }
        let mut body = self.counted()?;
        let at = body.position;
        let tag = body.u32()?;
        if tag & CLASS_MASK == 0 {
            return Ok(if tag == 0 { Pointer::Null } else { Pointer::Earlier(tag) });
        }
        let class = if tag == NEW_CLASS { body.class_name()? } else { self.class_at(tag, at)? };
        Ok(Pointer::Object { class, place, body })
    }

    /// Interprets a pointer without a byte count, which refers to no object or to an earlier one.
    fn uncounted_pointer(&mut self, tag: u32) -> Result<Pointer<'a>, Fault> {
        if tag & CLASS_MASK != 0 {
            return Err(Fault::unsupported(
                "it has objects without byte counts, as ROOT wrote before version 3",
            ));
        }
        self.skip(4)?;
        Ok(if tag == 0 { Pointer::Null } else { Pointer::Earlier(tag) })
    }

    /// The place by which pointers refer to the object that starts here.
    fn place(&self) -> u32 {
        (self.position + self.origin) as u32 + MAP_OFFSET
    }

    /// The name of the class to which `tag`, read at byte `at`, refers.
    fn class_at(&self, tag: u32, at: usize) -> Result<&'a str, Fault> {
        let target = (tag & !CLASS_MASK) as usize;
        let position =
            target.checked_sub(self.origin + MAP_OFFSET as usize).filter(|&position| position < at);
        let mut earlier = Self { position: position.unwrap_or(0), end: at, ..*self };
        if position.is_none() || earlier.u32()? != NEW_CLASS {
            return Err(Fault::Damaged(format!(
                "the class at byte {at} refers to {target}, where none is named"
            )));
        }
        earlier.class_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_big_endian_and_stops_at_the_end() {
        let mut buffer = Buffer::new(&[0, 1, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xfd], 0);
        let numbers = (buffer.u16().unwrap(), buffer.i16().unwrap(), buffer.i32().unwrap());
        assert_eq!(numbers, (1, -2, -3));
        assert!(
            matches!(buffer.u8(), Err(Fault::Damaged(reason)) if reason.contains("1 bytes are wanted at byte 8"))
        );
    }

    #[test]
    fn an_object_ends_where_its_byte_count_says() {
        let mut buffer = Buffer::new(&[0x40, 0, 0, 4, 0, 8, 1, 2, 9], 0);
        let (version, mut body) = buffer.object().unwrap();
        let read = (version, body.u8().unwrap(), body.remaining(), buffer.u8().unwrap());
        assert_eq!(read, (8, 1, 1, 9));
        assert!(Buffer::new(&[0x40, 0, 0, 9, 0, 8], 0).object().is_err());
        assert!(Buffer::new(&[0, 0, 0, 2, 0, 8], 0).object().is_err());
    }

    #[test]
    fn an_object_without_a_byte_count_ends_where_its_members_do() {
        let read = |bytes: &[u8]| {
            let mut buffer = Buffer::new(bytes, 0);
            let members = buffer.maybe_counted(|version, body| Ok((version, body.u8()?)))?;
            Ok::<_, Fault>((members, buffer.u8()?))
        };
        assert_eq!(read(&[0, 3, 1, 9]).unwrap(), ((3, 1), 9));
        assert_eq!(read(&[0x40, 0, 0, 4, 0, 3, 1, 2, 9]).unwrap(), ((3, 1), 9));
        assert!(read(&[0, 0, 1, 9]).is_err() && read(&[0xff, 0xff, 1, 9]).is_err());
    }

    #[test]
    fn lengths_are_checked_before_anything_is_reserved() {
        assert!(Buffer::new(&[0x7f, 0xff, 0xff, 0xff, 0], 0).count(8).is_err());
        assert!(Buffer::new(&[0xff, 0xff, 0xff, 0xff, 0], 0).count(1).is_err());
        assert!(Buffer::new(&[255, 0x10, 0, 0, 0, b'a'], 0).string().is_err());
        assert_eq!(Buffer::new(&[0, 0, 0, 1, 7], 0).array_bytes(1).unwrap(), [7]);
    }
}
