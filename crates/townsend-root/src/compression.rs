//! Compression and decompression of the bytes of objects.
//!
//! A compressed object is a row of blocks of at most 2²⁴ − 1 bytes each: a tag of two letters, one byte of
//! method, compressed and plain length in three bytes each, little-endian, then the data. LZ4 data start with
//! a big-endian xxHash64 of what follows.

use std::io::Read;

use twox_hash::XxHash64;

use crate::error::Fault;

const HEADER_LENGTH: usize = 9;
const MAX_BLOCK_LENGTH: usize = 0xff_ffff;
const CHECKSUM_LENGTH: usize = 8;
/// Limit of the memory of the LZMA decoder: enough for the largest dictionary of its presets (64 MiB), far
/// less than a damaged header can ask for.
const LZMA_MEMORY_KIB: u32 = 66 << 10;

/// How objects are compressed when they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// No compression.
    None,
    /// ZLIB (deflate), which every version of ROOT reads. Levels 1 to 9.
    Zlib {
        /// 1 is fast, 9 is small.
        level: u8,
    },
    /// LZ4: larger files that are read very fast.
    Lz4,
    /// Zstandard: small files that are read fast, by ROOT 6.20 or newer. Levels 1 to 19.
    Zstd {
        /// 1 is fast, 19 is small.
        level: u8,
    },
}

impl Default for Compression {
    /// Zstandard at the level that ROOT uses by default.
    fn default() -> Self {
        Self::Zstd { level: 5 }
    }
}

impl Compression {
    fn check_level(self) -> std::io::Result<()> {
        let (level, highest) = match self {
            Self::None | Self::Lz4 => return Ok(()),
            Self::Zlib { level } => (level, 9),
            Self::Zstd { level } => (level, 19),
        };
        if (1..=highest).contains(&level) {
            return Ok(());
        }
        Err(std::io::Error::other(format!("{self:?} has a level that is not between 1 and {highest}")))
    }

    /// ROOT's number for this setting: 100 × algorithm + level.
    pub(crate) fn root_setting(self) -> i32 {
        match self {
            Self::None => 0,
            Self::Zlib { level } => 100 + i32::from(level),
            Self::Lz4 => 404,
            Self::Zstd { level } => 500 + i32::from(level),
        }
    }
}

/// Decompressors that use their memory again for every object.
#[derive(Default)]
pub(crate) struct Decompressor {
    zstd: Option<zstd::bulk::Decompressor<'static>>,
    zlib: Option<flate2::Decompress>,
    deflate: Option<flate2::Decompress>,
}

/// One block as its header describes it.
struct Block<'a> {
    tag: [u8; 2],
    data: &'a [u8],
    plain_length: usize,
}

fn split_block(stored: &[u8]) -> Result<(Block<'_>, &[u8]), Fault> {
    let (header, rest) = stored
        .split_at_checked(HEADER_LENGTH)
        .ok_or_else(|| Fault::damaged("a compressed block ends within its header"))?;
    let length = |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], 0]) as usize;
    let (data, rest) = rest.split_at_checked(length(3)).ok_or_else(|| {
        Fault::Damaged(format!("a compressed block has {} bytes of the announced {}", rest.len(), length(3)))
    })?;
    Ok((Block { tag: [header[0], header[1]], data, plain_length: length(6) }, rest))
}

/// Reads the headers of all blocks and checks that their plain lengths add up, before memory is reserved.
fn check_total(stored: &[u8], plain_length: usize) -> Result<(), Fault> {
    let (mut rest, mut total) = (stored, 0_usize);
    while !rest.is_empty() {
        let (block, next) = split_block(rest)?;
        total += block.plain_length;
        rest = next;
    }
    if total == plain_length {
        return Ok(());
    }
    Err(Fault::Damaged(format!("its blocks hold {total} bytes, its key announces {plain_length}")))
}

impl Decompressor {
    /// Decompresses all blocks of `stored` into `plain`, whose memory is used again and grows block by block,
    /// so that a damaged length never makes it larger than what really was decompressed and one block.
    pub(crate) fn decompress(
        &mut self,
        stored: &[u8],
        plain_length: usize,
        plain: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        check_total(stored, plain_length)?;
        let (mut rest, mut filled) = (stored, 0);
        while !rest.is_empty() {
            let (block, next) = split_block(rest)?;
            let end = filled + block.plain_length;
            if plain.len() < end {
                plain.resize(end, 0);
            }
            self.decompress_block(&block, &mut plain[filled..end])?;
            (rest, filled) = (next, end);
        }
        plain.truncate(filled);
        Ok(())
    }

    fn decompress_block(&mut self, block: &Block<'_>, plain: &mut [u8]) -> Result<(), Fault> {
        let (name, length) = match &block.tag {
            b"ZL" => (
                "ZLIB",
                inflate(self.zlib.get_or_insert_with(|| flate2::Decompress::new(true)), true, block, plain),
            ),
            b"CS" => (
                "deflate",
                inflate(
                    self.deflate.get_or_insert_with(|| flate2::Decompress::new(false)),
                    false,
                    block,
                    plain,
                ),
            ),
            b"XZ" => ("LZMA", decompress_xz(block.data, plain)),
            b"L4" => ("LZ4", decompress_lz4(block.data, plain)),
            b"ZS" => ("ZSTD", decompress_zstd(&mut self.zstd, block.data, plain)),
            tag => {
                let tag = String::from_utf8_lossy(tag);
                return Err(Fault::Unsupported(format!(
                    "its compression \"{tag}\" is not one of ZL, CS, XZ, L4, ZS; \
                     hint: write it anew with `hadd -f505` or check that the file is whole"
                )));
            }
        };
        match length {
            Ok(length) if length == plain.len() => Ok(()),
            Ok(length) => {
                Err(Fault::Damaged(format!("{length} of {} bytes came out of a {name} block", plain.len())))
            }
            Err(reason) => Err(Fault::Damaged(format!("a {name} block cannot be decompressed: {reason}"))),
        }
    }
}

fn inflate(
    stream: &mut flate2::Decompress,
    zlib_header: bool,
    block: &Block<'_>,
    plain: &mut [u8],
) -> Result<usize, String> {
    stream.reset(zlib_header);
    stream
        .decompress(block.data, plain, flate2::FlushDecompress::Finish)
        .map_err(|error| error.to_string())
        .and_then(|status| match status {
            flate2::Status::StreamEnd => Ok(stream.total_out() as usize),
            _ => Err("the data do not end where they should".to_owned()),
        })
}

fn decompress_xz(data: &[u8], plain: &mut [u8]) -> Result<usize, String> {
    let mut reader = lzma_rust2::XzReader::new_mem_limit(data, false, LZMA_MEMORY_KIB);
    let mut filled = 0;
    while filled < plain.len() {
        match reader.read(&mut plain[filled..]).map_err(|error| error.to_string())? {
            0 => break,
            length => filled += length,
        }
    }
    match reader.read(&mut [0]).map_err(|error| error.to_string())? {
        0 => Ok(filled),
        _ => Err("there is more than was announced".to_owned()),
    }
}

fn decompress_lz4(data: &[u8], plain: &mut [u8]) -> Result<usize, String> {
    let (checksum, data) = data.split_first_chunk::<CHECKSUM_LENGTH>().ok_or("no room for a checksum")?;
    if u64::from_be_bytes(*checksum) != XxHash64::oneshot(0, data) {
        return Err("the checksum does not match".to_owned());
    }
    lz4_flex::block::decompress_into(data, plain).map_err(|error| error.to_string())
}

fn decompress_zstd(
    context: &mut Option<zstd::bulk::Decompressor<'static>>,
    data: &[u8],
    plain: &mut [u8],
) -> Result<usize, String> {
    context.get_or_insert_default().decompress_to_buffer(data, plain).map_err(|error| error.to_string())
}

/// Compresses one object after the other with the same setting.
pub(crate) struct Compressor {
    compression: Compression,
    zstd: Option<zstd::bulk::Compressor<'static>>,
}

impl Compressor {
    pub(crate) fn new(compression: Compression) -> std::io::Result<Self> {
        compression.check_level()?;
        let zstd = match compression {
            Compression::Zstd { level } => Some(zstd::bulk::Compressor::new(i32::from(level))?),
            _ => None,
        };
        Ok(Self { compression, zstd })
    }

    /// Compresses `plain` into `stored`; false if that would not make it smaller, and `plain` is to be stored
    /// itself.
    pub(crate) fn compress(&mut self, plain: &[u8], stored: &mut Vec<u8>) -> std::io::Result<bool> {
        stored.clear();
        if self.compression == Compression::None {
            return Ok(false);
        }
        for block in plain.chunks(MAX_BLOCK_LENGTH) {
            let start = stored.len();
            stored.resize(start + HEADER_LENGTH, 0);
            let (tag, method) = self.compress_block(block, stored)?;
            let length = stored.len() - start - HEADER_LENGTH;
            // A block whose length does not fit into three bytes has not become smaller.
            if length > MAX_BLOCK_LENGTH || stored.len() >= plain.len() {
                return Ok(false);
            }
            let header = &mut stored[start..start + HEADER_LENGTH];
            header[..2].copy_from_slice(tag);
            header[2] = method;
            header[3..6].copy_from_slice(&length.to_le_bytes()[..3]);
            header[6..].copy_from_slice(&block.len().to_le_bytes()[..3]);
        }
        Ok(!plain.is_empty())
    }

    /// Appends one compressed block and returns its tag and method.
    fn compress_block(
        &mut self,
        block: &[u8],
        stored: &mut Vec<u8>,
    ) -> std::io::Result<(&'static [u8; 2], u8)> {
        let start = stored.len();
        match (self.compression, &mut self.zstd) {
            (Compression::Zlib { level }, _) => {
                let level = flate2::Compression::new(u32::from(level));
                let mut encoder = flate2::write::ZlibEncoder::new(std::mem::take(stored), level);
                std::io::Write::write_all(&mut encoder, block)?;
                *stored = encoder.finish()?;
                Ok((b"ZL", 8))
            }
            (Compression::Zstd { .. }, Some(zstd)) => {
                stored.resize(start + zstd::zstd_safe::compress_bound(block.len()), 0);
                let length = zstd.compress_to_buffer(block, &mut stored[start..])?;
                stored.truncate(start + length);
                Ok((b"ZS", 1))
            }
            _ => {
                let data = start + CHECKSUM_LENGTH;
                stored.resize(data + lz4_flex::block::get_maximum_output_size(block.len()), 0);
                let length = lz4_flex::block::compress_into(block, &mut stored[data..])
                    .map_err(std::io::Error::other)?;
                stored.truncate(data + length);
                let checksum = XxHash64::oneshot(0, &stored[data..]);
                stored[start..data].copy_from_slice(&checksum.to_be_bytes());
                Ok((b"L4", 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Compression; 3] =
        [Compression::Zlib { level: 6 }, Compression::Lz4, Compression::Zstd { level: 5 }];

    fn compressed(compression: Compression, plain: &[u8]) -> Vec<u8> {
        let mut stored = Vec::new();
        assert!(Compressor::new(compression).unwrap().compress(plain, &mut stored).unwrap());
        stored
    }

    fn decompressed(stored: &[u8], length: usize) -> Result<Vec<u8>, Fault> {
        let mut plain = vec![7; 3];
        Decompressor::default().decompress(stored, length, &mut plain).map(|()| plain)
    }

    #[test]
    fn every_compression_gives_back_what_went_in_over_several_blocks() {
        let plain: Vec<u8> = (0..MAX_BLOCK_LENGTH + 70_000).map(|i| (i / 1000) as u8).collect();
        for compression in ALL {
            let stored = compressed(compression, &plain);
            assert!(decompressed(&stored, plain.len()).unwrap() == plain, "{compression:?}");
        }
    }

    #[test]
    fn what_does_not_shrink_is_stored_plain() {
        for compression in [ALL[0], ALL[1], ALL[2], Compression::None] {
            let mut stored = Vec::new();
            assert!(
                !Compressor::new(compression).unwrap().compress(b"abc", &mut stored).unwrap(),
                "{compression:?}"
            );
        }
    }

    #[test]
    fn a_flipped_bit_or_a_wrong_length_is_noticed() {
        let plain = b"avalanche ".repeat(100);
        for compression in ALL {
            let stored = compressed(compression, &plain);
            assert!(decompressed(&stored, plain.len() - 1).is_err());
            assert!(decompressed(&stored[..stored.len() - 1], plain.len()).is_err());
            let mut longer = stored.clone();
            longer[6] += 1;
            assert!(decompressed(&longer, plain.len() + 1).is_err(), "{compression:?}");
            let mut other = stored;
            other[0] = b'?';
            assert!(matches!(decompressed(&other, plain.len()), Err(Fault::Unsupported(_))));
        }
    }

    #[test]
    fn the_old_deflate_is_read() {
        let plain = b"electron ".repeat(50);
        let mut encoder = flate2::write::DeflateEncoder::new(vec![0; 9], flate2::Compression::new(6));
        std::io::Write::write_all(&mut encoder, &plain).unwrap();
        let mut stored = encoder.finish().unwrap();
        let length = (stored.len() - 9).to_le_bytes();
        stored[..3].copy_from_slice(b"CS\x08");
        stored[3..6].copy_from_slice(&length[..3]);
        stored[6..9].copy_from_slice(&plain.len().to_le_bytes()[..3]);
        assert_eq!(decompressed(&stored, plain.len()).unwrap(), plain);
    }
}
