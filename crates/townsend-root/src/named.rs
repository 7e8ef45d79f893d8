//! `TNamed`: an object with a name and a text, used for notes in a file.

use std::io::{Seek, Write};

use crate::encoder::Encoder;
use crate::error::Result;
use crate::writer::{NewRecord, RootWriter};

impl<W: Write + Seek> RootWriter<W> {
    /// Writes a `TNamed` with this name and text into the top directory. The text can be read as the title of
    /// the object's key ([`Key::title`](crate::Key::title)).
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) if name and text are longer than a key can hold (32 KB), and
    /// [`Error::Io`](crate::Error::Io) if the file cannot be written.
    pub fn write_named(&mut self, name: &str, text: &str) -> Result<()> {
        let class = "TNamed";
        let directory = self.directory("")?;
        let record =
            NewRecord { directory, class, name, title: text, key_tail: &[], listed: true, compressed: true };
        let mut payload = Encoder::default();
        payload.restart(self.key_length(&record));
        payload.tnamed(name, text);
        self.describe_class(class);
        self.write_record(&record, &payload.bytes).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use crate::{Compression, RootFile, RootWriter};

    #[test]
    fn a_text_is_the_title_of_its_key() {
        let mut writer = RootWriter::new(Cursor::new(Vec::new()), "memory", Compression::default()).unwrap();
        writer.write_named("note", "made by hand").unwrap();
        let file = RootFile::from_bytes("memory", writer.finish().unwrap().into_inner()).unwrap();
        let key = file.find("note").unwrap();
        assert_eq!((key.class(), key.title()), ("TNamed", "made by hand"));
    }
}
