//! Damaged files of every reader that needs no network library; those that do are in
//! `crates/townsend/tests/damage.rs`.

use peak_alloc::PeakAlloc;
use townsend_damage::{READERS, alone, mutations, reader, survive};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Changed files of a reader; some must be refused and some not, or the damage does not reach it.
fn damaged(name: &str, usual: u64) {
    let reader = reader(name);
    let survey = survive(name, mutations(usual), (MEMORY, reader.content), reader.read);
    println!("{name}: {survey:?}");
    assert!(survey.taken > 0 && survey.refused > 0, "{name}: {survey:?}");
}

macro_rules! readers {
    ($($name:ident: $usual:literal),+ $(,)?) => {
        $(#[test] fn $name() { damaged(stringify!($name), $usual); })+

        #[test]
        fn every_reader_is_here() {
            let mut here = vec![$(stringify!($name)),+];
            #[cfg(feature = "parquet")]
            here.push("parquet");
            here.sort_unstable();
            let mut all: Vec<_> = READERS.iter().map(|reader| reader.name).collect();
            all.sort_unstable();
            assert_eq!(here, all);
        }
    };
}

readers! {
    text: 8000,
    npz: 8000,
    avalanches: 8000,
    numbers: 8000,
    gas: 8000,
    detector: 4000,
    responses: 6000,
    clusters: 6000,
    configuration: 6000,
    run: 6000,
}

#[test]
#[cfg(feature = "parquet")]
fn parquet() {
    damaged("parquet", 5000);
}

/// Brackets within brackets, and keys of keys, deeper than any stack.
#[test]
fn deep_nesting_is_refused() {
    let _alone = alone();
    let file = tempfile::NamedTempFile::new().unwrap();
    let deep = 200_000;
    for (text, name) in [
        ("[".repeat(deep), "run"),
        ("{\"a\":".repeat(deep), "run"),
        (format!("a = {}", "[".repeat(deep)), "configuration"),
        (format!("a = {}", "{a=".repeat(deep)), "configuration"),
        (format!("a{} = 1", ".a".repeat(deep)), "configuration"),
        (format!("[a{}]", ".a".repeat(deep)), "detector"),
        (format!("a{} = 1", ".a".repeat(deep)), "clusters"),
        (format!("a{} = 1", ".a".repeat(deep)), "gas"),
    ] {
        std::fs::write(file.path(), text).unwrap();
        let error = (reader(name).read)(file.path()).unwrap_err();
        assert!(
            error.contains(&*file.path().to_string_lossy()),
            "{name}: {}",
            &error[..error.len().min(300)]
        );
    }
}
