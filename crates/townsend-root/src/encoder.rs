//! Writing ROOT's big-endian streams, as [`Buffer`](crate::buffer::Buffer) reads them.

use crate::buffer::{BYTE_COUNT, CLASS_MASK, MAP_OFFSET, NEW_CLASS};

/// The bits that ROOT writes for a `TObject` on the heap that was not deleted.
pub(crate) const TOBJECT_BITS: u32 = 0x0300_0000;

/// The bytes of one record while they are written.
#[derive(Debug, Default)]
pub(crate) struct Encoder {
    pub(crate) bytes: Vec<u8>,
    origin: usize,
    classes: Vec<(&'static str, u32)>,
}

/// The place of a byte count that is filled in when the object is complete.
#[must_use]
#[derive(Debug)]
pub(crate) struct Open(usize);

macro_rules! write_numbers {
    ($($name:ident),*) => {$(
        pub(crate) fn $name(&mut self, value: $name) {
            self.bytes.extend_from_slice(&value.to_be_bytes());
        }
    )*};
}

impl Encoder {
    /// Starts a record that follows a key of `origin` bytes and uses the memory of the last record again.
    pub(crate) fn restart(&mut self, origin: usize) {
        self.bytes.clear();
        self.classes.clear();
        self.origin = origin;
    }

    write_numbers!(u8, u16, i16, u32, i32, u64, i64, f32, f64);

    pub(crate) fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    /// Writes a `TString`.
    pub(crate) fn string(&mut self, text: &str) {
        if text.len() < 255 {
            self.u8(text.len() as u8);
        } else {
            self.u8(255);
            self.u32(text.len() as u32);
        }
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Writes a `TArrayD`.
    pub(crate) fn f64_array(&mut self, values: &[f64]) {
        self.i32(values.len() as i32);
        for &value in values {
            self.f64(value);
        }
    }

    /// Starts an object whose class has this version; [`close`](Self::close) ends it.
    pub(crate) fn open(&mut self, version: i16) -> Open {
        let open = self.open_count();
        self.i16(version);
        open
    }

    fn open_count(&mut self) -> Open {
        let open = Open(self.bytes.len());
        self.u32(0);
        open
    }

    /// Fills in the byte count of an object that ends here.
    pub(crate) fn close(&mut self, Open(start): Open) {
        let count = (self.bytes.len() - start - 4) as u32 | BYTE_COUNT;
        self.bytes[start..start + 4].copy_from_slice(&count.to_be_bytes());
    }

    /// Starts a pointer to a new object of `class`, whose own version and members follow.
    pub(crate) fn open_pointer(&mut self, class: &'static str) -> Open {
        let open = self.open_count();
        let place = self.place();
        if let Some(&(_, place)) = self.classes.iter().find(|(name, _)| *name == class) {
            self.u32(place | CLASS_MASK);
        } else {
            self.classes.push((class, place));
            self.u32(NEW_CLASS);
            self.bytes.extend_from_slice(class.as_bytes());
            self.u8(0);
        }
        open
    }

    /// The place by which later pointers in this record refer to the object that starts here.
    pub(crate) fn place(&self) -> u32 {
        (self.bytes.len() + self.origin) as u32 + MAP_OFFSET
    }

    /// Writes the base `TObject`.
    pub(crate) fn tobject(&mut self, bits: u32) {
        self.u16(1);
        self.u32(0);
        self.u32(bits | TOBJECT_BITS);
    }

    /// Writes the base `TNamed`.
    pub(crate) fn tnamed(&mut self, name: &str, title: &str) {
        let open = self.open(1);
        self.tobject(0);
        self.string(name);
        self.string(title);
        self.close(open);
    }

    /// An empty list of `class` (`TList`, `TObjArray` take the same start), version 5 of `TList`.
    pub(crate) fn empty_list(&mut self) {
        let open = self.open(5);
        self.tobject(0);
        self.string("");
        self.i32(0);
        self.close(open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::{Buffer, Pointer};

    #[test]
    fn what_is_written_is_read_back() {
        let mut encoder = Encoder::default();
        encoder.restart(30);
        let long = "x".repeat(300);
        for class in ["TAxis", "TList", "TAxis"] {
            let open = encoder.open_pointer(class);
            encoder.tnamed("a name", &long);
            encoder.close(open);
        }
        encoder.u32(0);
        let mut buffer = Buffer::new(&encoder.bytes, 30);
        for wanted in ["TAxis", "TList", "TAxis"] {
            let Ok(Pointer::Object { class, mut body, .. }) = buffer.pointer() else { panic!("no object") };
            assert_eq!((class, body.tnamed().unwrap()), (wanted, ("a name".into(), long.as_str().into())));
        }
        assert!(matches!(buffer.pointer(), Ok(Pointer::Null)));
        assert_eq!(buffer.remaining(), 0);
    }

    #[test]
    fn a_class_that_refers_forward_is_refused() {
        let mut encoder = Encoder::default();
        let open = encoder.open(0);
        encoder.close(open);
        encoder.bytes.splice(4.., (CLASS_MASK | 6).to_be_bytes());
        encoder.bytes[3] = 4;
        assert!(Buffer::new(&encoder.bytes, 0).pointer().is_err());
    }
}
