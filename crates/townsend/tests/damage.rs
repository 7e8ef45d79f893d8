//! Damaged files of the readers that need the networks, and models that would reach outside themselves.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::path::Path;

use peak_alloc::PeakAlloc;
use townsend::{Configuration, Families, RunFiles, detector};
use townsend_damage::{Content, alone, mutations, seeds, survive};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Changed files of a reader; some must be refused and some not, or the damage does not reach it.
fn damaged(name: &str, usual: u64, read: impl Fn(&Path) -> Result<(), String> + std::panic::RefUnwindSafe) {
    let content = Content { per_byte: 100, always: 256 << 10 };
    let survey = survive(name, mutations(usual), (MEMORY, content), read);
    println!("{name}: {survey:?}");
    assert!(survey.taken > 0 && survey.refused > 0, "{name}: {survey:?}");
}

fn open(path: &Path) -> Result<(), String> {
    let model = Families::shipped().open(path).map_err(|error| error.to_string())?;
    // What a model knows of its training is read when it is asked for.
    let _ = model.history();
    Ok(())
}

#[test]
fn models() {
    damaged("model", 3000, open);
}

#[test]
fn checkpoints() {
    damaged("checkpoint", 3000, open);
}

#[test]
fn configurations_of_trainings() {
    damaged("training", 4000, |path| {
        let mut config = Configuration::read(path).map_err(|error| error.to_string())?;
        config.take_input().map_err(|error| error.to_string())?;
        let family = Families::shipped().of(&config).map_err(|error| error.to_string())?;
        family.wants(&config).map(drop).map_err(|error| error.to_string())
    });
}

/// The files of a single-file model.
fn unpacked(name: &str) -> BTreeMap<String, Vec<u8>> {
    let whole = seeds("model").into_iter().find(|(path, _)| path.ends_with(name)).expect("it is there").1;
    let mut archive = zip::ZipArchive::new(Cursor::new(whole)).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        std::io::copy(&mut file, &mut bytes).unwrap();
        files.insert(name, bytes);
    }
    files
}

fn packed(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in files {
        archive.start_file(name, stored).unwrap();
        archive.write_all(&bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// Lines that are damaged end the history there, as one does that a crash has cut off.
#[test]
fn numbers_of_a_training() {
    let _alone = alone();
    let mut files = unpacked("vae.townsend");
    let config = townsend_damage::corpus("training").join("written.toml");
    files.insert("config.toml".into(), std::fs::read(config).unwrap());
    let wholes: Vec<_> = seeds("metrics").into_iter().map(|(_, bytes)| bytes).collect();
    for case in 0..mutations(2000) {
        let mut files = files.clone();
        files.insert("metrics.jsonl".into(), townsend_damage::changed(&wholes, case));
        let model = Families::shipped().open_run(RunFiles::Memory(files)).unwrap();
        assert!(model.history().is_ok(), "case {case}");
    }
}

/// The description of a detector beside a table, which it names.
fn beside(path: &Path, text: &str) -> Result<(), String> {
    let description = path.with_extension("toml");
    std::fs::write(&description, text.replace("TABLE", &path.file_name().unwrap().to_string_lossy()))
        .unwrap();
    let read = detector(Some(&description)).map(drop).map_err(|error| error.to_string());
    std::fs::remove_file(description).unwrap();
    read
}

#[test]
fn tables_of_strips() {
    let text =
        std::fs::read_to_string(townsend_damage::corpus("detector").join("planar_triple_gem.toml")).unwrap();
    let (text, _) = text.split_once("[[digitisation.layers.sheets]]").unwrap();
    let text = text.replace("[digitisation]", "[digitisation]\nstrips = \"TABLE\"");
    damaged("strips", 1500, |path| beside(path, &text));
}

#[test]
fn tables_of_channels() {
    let text =
        std::fs::read_to_string(townsend_damage::corpus("detector").join("planar_triple_gem.toml")).unwrap();
    let with = "[digitisation.channels]\ntable = \"TABLE\"\n\n[[digitisation.layers]]";
    let text = text.replacen("[[digitisation.layers]]", with, 1);
    damaged("channels", 1500, |path| beside(path, &text));
}

/// A model is data: what it consists of is in it, and it names nothing else.
#[test]
fn a_model_names_no_file_outside() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.toml");
    std::fs::write(&secret, "SECRET").unwrap();
    let refused = |name: &str, from: &str, to: &str, said: &str| {
        let mut files = unpacked(name);
        let text = String::from_utf8(files["detector.toml"].clone()).unwrap();
        assert!(text.contains(from), "{text}");
        files.insert("detector.toml".into(), text.replacen(from, to, 1).into_bytes());
        let path = folder.path().join("model.townsend");
        std::fs::write(&path, packed(files.clone())).unwrap();
        let run = folder.path().join("run");
        std::fs::create_dir_all(&run).unwrap();
        for (name, bytes) in &files {
            std::fs::write(run.join(name), bytes).unwrap();
        }
        for path in [path, run] {
            let message = Families::shipped().open(&path).map(drop).unwrap_err().to_string();
            assert!(
                message.contains(said) && message.contains("detector.toml") | message.contains("secret"),
                "{message}"
            );
            assert!(!message.contains("SECRET"), "{message}");
        }
    };
    let secret = secret.to_str().unwrap();
    for outside in [secret, "../secret.toml"] {
        let table = format!("table = \"{outside}\"");
        refused("recorded.townsend", "table = \"ar_ic4h10_90_10\"", &table, "a model names no file outside");
        let file = format!("file = \"{outside}\"");
        refused("recorded.townsend", "file = \"responses.npz\"", &file, "leads out of the run");
    }
}

/// Members that lie over each other would make much of a small archive.
#[test]
fn members_that_overlap_are_refused() {
    let _alone = alone();
    let mut files = unpacked("clusters.townsend");
    files.extend((0..20).map(|k| (format!("more{k:02}"), vec![0; 1000])));
    let mut bytes = packed(files);
    let length = (bytes.len() as u32 / 2).to_le_bytes();
    for at in 0..bytes.len() - 46 {
        if bytes[at..].starts_with(b"PK\x01\x02") && bytes[at + 46..].starts_with(b"more") {
            bytes[at + 20..at + 24].copy_from_slice(&length);
            bytes[at + 24..at + 28].copy_from_slice(&length);
        }
    }
    let message = Families::shipped().open_bytes(bytes).map(drop).unwrap_err().to_string();
    assert!(message.contains("damaged"), "{message}");
}
