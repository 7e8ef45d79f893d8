//! The anchor: the object of class `ROOT::RNTuple` in a directory, which tells where header and footer are.

use twox_hash::XxHash3_64;

use super::blob::{Blob, EnvelopeLink};
use crate::buffer::Buffer;
use crate::encoder::Encoder;
use crate::error::Fault;

/// The class of anchors, and that of files of versions before the first release of the format.
pub(super) const CLASS: &str = "ROOT::RNTuple";
pub(super) const OLD_CLASS: &str = "ROOT::Experimental::RNTuple";
/// The epoch of the format that is read and written.
const EPOCH: u16 = 1;
/// The version of the class that ROOT 6.34 and newer have.
const CLASS_VERSION: i16 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Anchor {
    pub(super) header: EnvelopeLink,
    pub(super) footer: EnvelopeLink,
    /// Larger blobs are stored in several pieces; 0 if none are.
    pub(super) max_piece: u64,
}

pub(super) fn too_old() -> Fault {
    Fault::unsupported(
        "it is an RNTuple in the format of ROOT before 6.34, which was not final; \
         hint: read it with the ROOT that wrote it and write it as a TTree, or anew with ROOT 6.34 or newer",
    )
}

impl Anchor {
    /// Reads an anchor: byte count and version, the fields and their checksum. Fields that later versions add
    /// come before the checksum.
    pub(super) fn decode(mut object: Buffer<'_>) -> Result<Self, Fault> {
        let (_version, mut fields) = object.object()?;
        let all = fields.clone().bytes(fields.remaining())?;
        let checksum = object.u64();
        let (epoch, _major, _minor, _patch) = (fields.u16()?, fields.u16()?, fields.u16()?, fields.u16()?);
        if epoch < EPOCH {
            return Err(too_old());
        }
        if epoch > EPOCH {
            return Err(Fault::Unsupported(format!(
                "it is an RNTuple of format {epoch}, and format {EPOCH} is known; \
                 hint: a newer version of this program may read it"
            )));
        }
        if checksum? != XxHash3_64::oneshot(all) {
            return Err(Fault::damaged("the checksum of its anchor does not match"));
        }
        Ok(Self {
            header: Self::link(&mut fields)?,
            footer: Self::link(&mut fields)?,
            max_piece: fields.u64()?,
        })
    }

    /// Writes an anchor, as [`decode`](Self::decode) reads it.
    pub(super) fn encode(&self, encoder: &mut Encoder) {
        let open = encoder.open(CLASS_VERSION);
        let start = encoder.bytes.len();
        for number in [EPOCH, 0, 0, 0] {
            encoder.u16(number);
        }
        for link in [self.header, self.footer] {
            encoder.u64(link.blob.seek);
            encoder.u64(link.blob.size);
            encoder.u64(link.length);
        }
        encoder.u64(self.max_piece);
        encoder.close(open);
        encoder.u64(XxHash3_64::oneshot(&encoder.bytes[start..]));
    }

    fn link(fields: &mut Buffer<'_>) -> Result<EnvelopeLink, Fault> {
        let (seek, size, length) = (fields.u64()?, fields.u64()?, fields.u64()?);
        Ok(EnvelopeLink { blob: Blob { seek, size }, length })
    }
}
