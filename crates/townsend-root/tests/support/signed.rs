//! Changing the descriptions of RNTuples in a file, with checksums that are right again after the change.

use std::ops::Range;

use townsend_root::{BranchSpec, BranchType, BranchValue, Compression, RNTupleWriter, RootWriter};
use twox_hash::XxHash3_64;

/// Types of envelopes.
pub(crate) const HEADER: u64 = 1;
const PAGE_LIST: u64 = 3;
/// Bytes of the first word of an envelope, and of a checksum.
pub(crate) const WORD: usize = 8;
/// The start of an anchor: its byte count of 66, the version of its class and the first of its own.
const ANCHOR: &[u8] = &[0x40, 0, 0, 66, 0, 2, 0, 1];
const ANCHOR_FIELDS: Range<usize> = 6..70;

/// A file that is not compressed, and where its anchors and envelopes are.
pub(crate) struct Signed {
    pub(crate) bytes: Vec<u8>,
    pub(crate) anchors: Vec<usize>,
    /// Types and places.
    pub(crate) envelopes: Vec<(u64, Range<usize>)>,
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + WORD].try_into().map_or(0, u64::from_le_bytes)
}

fn set_word(bytes: &mut [u8], at: usize, word: u64) {
    bytes[at..at + WORD].copy_from_slice(&word.to_le_bytes());
}

impl Signed {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        let anchors: Vec<_> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(ANCHOR)).collect();
        let envelope = |at: usize| {
            let (kind, length) = (word(&bytes, at) & 0xffff, (word(&bytes, at) >> 16) as usize);
            let end = at.checked_add(length).filter(|&end| length > 2 * WORD && end <= bytes.len())?;
            let right = XxHash3_64::oneshot(&bytes[at..end - WORD]) == word(&bytes, end - WORD);
            ((HEADER..=PAGE_LIST).contains(&kind) && right).then_some((kind, at..end))
        };
        let envelopes: Vec<_> = (0..bytes.len() - WORD).filter_map(envelope).collect();
        assert!(!anchors.is_empty() && envelopes.len() >= 2, "no anchor or no envelopes");
        Self { bytes, anchors, envelopes }
    }

    /// The file after a change of an anchor or an envelope, those being numbered in this order.
    pub(crate) fn changed(&self, part: usize, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        let part = part % (self.anchors.len() + self.envelopes.len());
        if let Some(&at) = self.anchors.get(part) {
            let place = at + ANCHOR_FIELDS.start..at + ANCHOR_FIELDS.end;
            change(&mut bytes[place.clone()]);
            let checksum = XxHash3_64::oneshot(&bytes[place.clone()]);
            bytes[place.end..place.end + WORD].copy_from_slice(&checksum.to_be_bytes());
            return bytes;
        }
        let (kind, place) = self.envelopes[part - self.anchors.len()].clone();
        // The first word is left alone: another length is found by the first check.
        change(&mut bytes[place.start + WORD..place.end - WORD]);
        let before = word(&bytes, place.end - WORD);
        let after = sign(&mut bytes, &place);
        if kind == HEADER {
            // Footers and page lists name the checksum of the header.
            for (_, place) in self.envelopes.iter().filter(|(kind, _)| *kind != HEADER) {
                for at in [place.start + WORD, place.start + 2 * WORD] {
                    if word(&bytes, at) == before {
                        set_word(&mut bytes, at, after);
                        sign(&mut bytes, place);
                    }
                }
            }
        }
        bytes
    }
}

/// Writes the checksum of an envelope, and gives it back.
pub(crate) fn sign(bytes: &mut [u8], place: &Range<usize>) -> u64 {
    let checksum = XxHash3_64::oneshot(&bytes[place.start..place.end - WORD]);
    set_word(bytes, place.end - WORD, checksum);
    checksum
}

/// A file with 20 entries of a vector and two numbers.
pub(crate) fn small_file() -> Result<Vec<u8>, townsend_root::Error> {
    let sink = std::io::Cursor::new(Vec::new());
    let root = RootWriter::new(sink, "small", Compression::None)?;
    let fields = [
        BranchSpec::new("x", "x [mm]", BranchType::VectorF32),
        BranchSpec::new("n", "", BranchType::I64),
        BranchSpec::new("gain", "", BranchType::F64),
    ];
    let mut ntuple = RNTupleWriter::new(root, "avalanches", "title", &fields)?;
    for number in 0..20 {
        let x = vec![0.5; number as usize % 4];
        let values = [BranchValue::VectorF32(&x), BranchValue::I64(number), BranchValue::F64(0.25)];
        ntuple.fill(&values)?;
    }
    Ok(ntuple.finish()?.finish()?.into_inner())
}
