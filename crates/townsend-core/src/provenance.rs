//! Provenance and units of avalanches.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A file that something was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// The path as it was given.
    pub file: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

impl InputFile {
    /// A file whose bytes are in memory, such as a model that is part of a larger file.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self { file: name.into(), sha256: hexadecimal(&Sha256::digest(bytes)) }
    }

    /// Reads the file once and takes its hash.
    ///
    /// # Errors
    /// As [`regular_file`](crate::regular_file); or another program wrote to the file meanwhile.
    pub fn read(path: &Path) -> io::Result<Self> {
        let stamp = crate::Stamp::of(path)?;
        let mut file = crate::regular_file(path)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; 1 << 20];
        loop {
            match io::Read::read(&mut file, &mut block)? {
                0 => break,
                n => hash.update(&block[..n]),
            }
        }
        if stamp.is_outdated(path) {
            return Err(io::Error::other(
                "it was changed while it was read; read it when nothing writes to it",
            ));
        }
        Ok(Self { file: path.display().to_string(), sha256: hexadecimal(&hash.finalize()) })
    }

    /// Several files as one: the name of the first with the number of others, and the SHA-256 of the
    /// hexadecimal hashes of all, one per line, in their order. A single file stays as it is.
    pub fn together(files: &[Self]) -> Self {
        let [first, rest @ ..] = files else { return Self::of("", b"") };
        if rest.is_empty() {
            return first.clone();
        }
        let hashes = files.iter().fold(String::new(), |hashes, file| hashes + &file.sha256 + "\n");
        Self::of(&format!("{} and {} more", first.file, rest.len()), hashes.as_bytes())
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a String cannot fail
        text
    })
}

/// The settings with which avalanches were drawn.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingNote {
    /// Where primary electrons started, such as `cell`; none if there is only one kind of start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The values of every condition, such as the voltage of each foil, including those left at their
    /// default.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, Vec<f64>>,
}

/// Part `index` of `count`, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardNote {
    /// The part.
    pub index: u64,
    /// How many there are.
    pub count: u64,
}

/// How a file was made. It holds nothing that differs between two runs of the same command on the same input
/// (no time, no host), so that the same seed gives the same bytes.
///
/// The settings of the avalanches (from `setting` on) stay with them, whatever is made of them later.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// Program and version.
    pub producer: String,
    /// The action: `generate`, `convert`, ...
    pub action: String,
    /// Seed of the random streams, if random numbers were drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The files that it was made from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputFile>,
    /// The instruction set that they were drawn with, where their last bits depend on it: `avx2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// What the author of the original data said about them.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Start and conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<SettingNote>,
    /// Number of avalanches of all parts together, empty ones included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub events: Option<u64>,
    /// Which part of these avalanches the file contains.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardNote>,
    /// Number of the first avalanche, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// The detector with its conditions set, as its description has it, but with the name and the SHA-256 of
    /// the gas table instead of the table itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<serde_json::Value>,
    /// The gas: mixture, temperature, pressure and magnetic field, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gas: Option<String>,
}

impl Provenance {
    /// The same provenance in at most `bytes` bytes of JSON, for fields of limited length. As far as needed,
    /// the detector and then the list of inputs are replaced by their SHA-256, and then the author's text is
    /// cut.
    pub fn shortened(&self, bytes: usize) -> Cow<'_, Self> {
        let mut short = Cow::Borrowed(self);
        if length(&short) > bytes
            && let Some(detector) = &self.detector
        {
            let InputFile { sha256, .. } = InputFile::of("", detector.to_string().as_bytes());
            short.to_mut().detector = Some(serde_json::json!({ "sha256": sha256 }));
        }
        if length(&short) > bytes && self.inputs.len() > 1 {
            let list: Vec<&str> = self.inputs.iter().map(|input| &*input.sha256).collect();
            let all = format!("{} files", self.inputs.len());
            short.to_mut().inputs = vec![InputFile::of(&all, list.join("\n").as_bytes())];
        }
        while length(&short) > bytes && !short.source.is_empty() {
            // Characters may take several bytes, and more in JSON.
            let half = short.source.chars().count() / 2;
            let cut: String = short.source.chars().take(half).collect();
            short.to_mut().source = cut;
        }
        short
    }

    /// Keeps of the settings of avalanches only those that are equal in `other`, for a set made of both.
    pub fn keep_common(&mut self, other: &Self) {
        fn keep<T: PartialEq>(ours: &mut Option<T>, theirs: Option<&T>) {
            if ours.as_ref() != theirs {
                *ours = None;
            }
        }
        keep(&mut self.seed, other.seed.as_ref());
        keep(&mut self.instructions, other.instructions.as_ref());
        keep(&mut self.setting, other.setting.as_ref());
        keep(&mut self.events, other.events.as_ref());
        keep(&mut self.shard, other.shard.as_ref());
        keep(&mut self.first, other.first.as_ref());
        keep(&mut self.detector, other.detector.as_ref());
        keep(&mut self.gas, other.gas.as_ref());
    }
}

/// Length of a provenance as JSON.
fn length(of: &Provenance) -> usize {
    serde_json::to_vec(of).map_or(usize::MAX, |json| json.len())
}

/// Units and provenance of a data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Units of x, z and t.
    pub units: [String; 3],
    /// How it was made.
    pub provenance: Provenance,
}

impl Default for Meta {
    fn default() -> Self {
        Self { units: ["mm", "mm", "ns"].map(String::from), provenance: Provenance::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_hashed_as_sha256sum_does() {
        let path = std::env::temp_dir().join(format!("townsend-hash-{}", std::process::id()));
        std::fs::write(&path, "abc").unwrap();
        let file = InputFile::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        // FIPS 180-2, appendix B.1
        assert_eq!(file.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(InputFile::of(&file.file, b"abc"), file);
    }

    fn drawn() -> Provenance {
        Provenance {
            producer: "a test".into(),
            seed: Some(1),
            setting: Some(SettingNote {
                start: Some("cell".into()),
                conditions: [("voltage_v".to_owned(), vec![280.0, 275.5])].into(),
            }),
            events: Some(1000),
            shard: Some(ShardNote { index: 3, count: 8 }),
            first: Some(250),
            detector: Some(serde_json::json!({ "foils": [{ "gain": 20.5 }] })),
            gas: Some("Ar".into()),
            ..Provenance::default()
        }
    }

    #[test]
    fn what_older_programs_wrote_is_read_and_what_is_not_known_is_not_written() {
        let old = r#"{"producer":"p","action":"generate","seed":4,"inputs":[]}"#;
        let read: Provenance = serde_json::from_str(old).unwrap();
        assert_eq!((read.seed, &read.setting, read.shard), (Some(4), &None, None));
        let written = serde_json::to_string(&read).unwrap();
        assert_eq!(written, r#"{"producer":"p","action":"generate","seed":4}"#);
        let written = serde_json::to_string(&drawn()).unwrap();
        assert_eq!(serde_json::from_str::<Provenance>(&written).unwrap(), drawn());
        assert!(written.contains(r#""conditions":{"voltage_v":[280.0,275.5]}"#), "{written}");
    }

    #[test]
    fn a_long_provenance_is_shortened_as_far_as_needed() {
        let whole = drawn();
        assert!(matches!(whole.shortened(30_000), Cow::Borrowed(_)));
        let foils = vec![serde_json::json!({ "gain": 20.5 }); 5_000];
        let mut long = Provenance { detector: Some(serde_json::json!({ "foils": foils })), ..whole };
        let short = long.shortened(30_000);
        assert_eq!(short.detector.as_ref().unwrap()["sha256"].as_str().unwrap().len(), 64);
        assert_eq!((short.setting.clone(), short.inputs.len()), (long.setting.clone(), 0));

        long.inputs = vec![InputFile::of("run/out.root", b"1"); 900];
        long.source = "µ".repeat(100_000);
        let short = long.shortened(30_000);
        assert_eq!(short.inputs[0].file, "900 files");
        assert!(long.source.starts_with(&short.source) && short.source.len() > 10_000);
        assert!(length(&short) <= 30_000);
    }

    #[test]
    fn shards_share_all_but_their_places() {
        let mut both = drawn();
        both.keep_common(&Provenance {
            shard: Some(ShardNote { index: 4, count: 8 }),
            first: Some(375),
            ..drawn()
        });
        assert_eq!(both, Provenance { shard: None, first: None, ..drawn() });
    }
}
