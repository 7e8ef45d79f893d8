//! A file that is read in parts says what it says at once.

use std::path::{Path, PathBuf};

use townsend_core::{Dataset, ElectronSet, Grid, Meta, Silent};
use townsend_io::{
    AvalancheWriter, Error, Format, ReadOptions, Result, Source, TableColumn, TableWriter, WriteOptions,
    read, read_each,
};
use townsend_io::{Cell, ColumnType};

/// Reads files in parts of at most so many electrons; the avalanches, the notices, the words for each file,
/// and the number of parts.
fn in_parts(
    paths: &[PathBuf],
    options: &ReadOptions,
    most: u64,
) -> Result<(Dataset, Vec<String>, Vec<String>, usize)> {
    let (mut all, mut told, mut layouts, mut parts): (Option<Dataset>, _, _, _) = (None, vec![], vec![], 0);
    let sources: Vec<Source> = paths.iter().map(Source::from).collect();
    read_each(&sources, options, Some(most), &Silent, |_, loaded| -> Result<()> {
        parts += 1;
        assert!(loaded.last || loaded.notices.is_empty(), "notices come last");
        told.extend(loaded.notices.iter().map(ToString::to_string));
        if loaded.last {
            layouts.push(loaded.layout);
        }
        match &mut all {
            Some(all) => all.append(&loaded.data).unwrap(),
            None => all = Some(loaded.data),
        }
        Ok(())
    })?;
    Ok((all.unwrap(), told, layouts, parts))
}

/// Compares parts of several sizes with the whole; returns how many parts the smallest are.
fn compare(path: &Path, options: &ReadOptions) -> usize {
    let whole = read(path, options, &Silent);
    let mut parts = 0;
    for most in [1_000_000, 100, 1] {
        let read = in_parts(&[path.into()], options, most);
        match (&whole, read) {
            (Ok(whole), Ok((data, told, layouts, count))) => {
                let path = path.display();
                assert_eq!(data, whole.data, "{path} in parts of {most}");
                let notices: Vec<String> = whole.notices.iter().map(ToString::to_string).collect();
                assert_eq!((told, &layouts[..]), (notices, &[whole.layout.clone()][..]), "{path}, {most}");
                parts = count;
            }
            (Err(whole), Err(read)) => assert_eq!(whole.to_string(), read.to_string()),
            (whole, read) => panic!("{}: {whole:?} at once, {read:?} in parts of {most}", path.display()),
        }
    }
    parts
}

fn electrons(avalanches: usize) -> Dataset {
    let mut set = ElectronSet::default();
    for k in 0..avalanches {
        let values: Vec<f32> =
            (0..(k * 7919) % 41).map(|n| ((k * 31 + n * 17) % 997) as f32 / 997.0).collect();
        let times: Vec<f32> = values.iter().map(|value| 170.0 + 9.0 * value).collect();
        set.push(&values, &values, &times);
    }
    let mut data = Dataset::from(set);
    data.meta_mut().provenance.producer = "a test".into();
    data
}

fn write(path: &Path, data: &Dataset, options: &WriteOptions) {
    let mut writer = AvalancheWriter::create(path, data.meta(), options).unwrap();
    writer.append(data).unwrap();
    writer.finish().unwrap();
}

#[test]
fn of_every_format_that_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let data = electrons(3000);
    let grid = |dims| Some(Grid::standard(dims).unwrap());
    for (name, format, grid, parts) in [
        ("a.npz", Format::Npz, None, 2500..=3000),
        ("tree.root", Format::Root, None, 2500..=3000),
        ("ntuple.root", Format::RNTuple, None, 2500..=3000),
        ("counts.npz", Format::Npz, grid(3), 2500..=3000),
        // As many at a time as threads read.
        ("h2.root", Format::Root, grid(2), 2..=47),
    ] {
        let path = folder.path().join(name);
        write(&path, &data, &WriteOptions { format: Some(format), grid, ..WriteOptions::default() });
        let some = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let count = some.install(|| compare(&path, &ReadOptions::default()));
        assert!(parts.contains(&count), "{name}: {count} parts");
    }
    for (name, grid) in [("none.npz", None), ("none.root", None), ("no_counts.npz", grid(2))] {
        let path = folder.path().join(name);
        write(&path, &electrons(0), &WriteOptions { grid, ..WriteOptions::default() });
        assert_eq!(compare(&path, &ReadOptions::default()), 1);
    }
}

#[test]
fn of_tables_of_electrons() {
    let folder = tempfile::tempdir().unwrap();
    let column = |name, kind| TableColumn::new(name, name, kind);
    let columns = [
        column("event", ColumnType::U64),
        column("run", ColumnType::U32),
        column("x", ColumnType::F32),
        column("z", ColumnType::F32),
        column("t", ColumnType::U64),
    ];
    for (name, format) in [
        ("a.root", Format::Root),
        ("a.npz", Format::Npz),
        ("ntuple.root", Format::RNTuple),
        ("a.csv", Format::Text),
    ] {
        let path = folder.path().join(name);
        let create = TableWriter::create(&path, ["a", ""], &columns, &Meta::default(), Some(format), false);
        let mut writer = create.unwrap();
        for row in 0..20_000_u64 {
            let event = row / 37 + row / 4000 * 3;
            let x = Cell::F32((row * 7 % 101) as f32 / 100.0);
            let run = Cell::U32((event / 200) as u32);
            // Nanoseconds since 1970.
            let t = Cell::U64(1_764_000_000_000_000_000 + row * 13 % 97);
            writer.push(&[Cell::U64(event), run, x, x, t]).unwrap();
        }
        writer.finish().unwrap();
        let parts = compare(&path, &ReadOptions::default());
        assert_eq!(parts > 400, format != Format::Text, "{name}: {parts} parts");
        for text in ["where = \"run == 2 and x > 0.5\"", "columns = \"event=event\"\nwhere = \"event > 100\""]
        {
            compare(&path, &toml::from_str(text).unwrap());
        }
    }
}

#[test]
fn of_files_of_others() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut files: Vec<PathBuf> = fixtures.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/avalanches.npz"));
    for file in files.iter().filter(|file| file.extension().is_some_and(|ending| ending != "md")) {
        for text in ["", "round = true", "histograms = \"h*\"", "units = \"cm,cm,us\"\ncolumns = \"n=n\""] {
            compare(file, &toml::from_str(text).unwrap());
        }
    }
}

#[test]
fn of_small_and_large_files_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = electrons(0);
    let mut paths = Vec::new();
    for (k, avalanches) in [5, 4000, 3, 2, 4000, 1].into_iter().enumerate() {
        let path = folder.path().join(format!("{k}.npz"));
        write(&path, &electrons(avalanches), &WriteOptions::default());
        all.append(&electrons(avalanches)).unwrap();
        paths.push(path);
    }
    let (mut data, _, layouts, parts) = in_parts(&paths, &ReadOptions::default(), 1000).unwrap();
    data.meta_mut().clone_from(all.meta());
    assert_eq!((data, layouts.len()), (all, 6));
    assert!(parts > 100, "{parts}");
}

/// What is damaged is an error, after the parts before it, or reads as at once.
#[test]
fn of_damaged_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut refused = 0;
    for (name, format) in [("a.npz", Format::Npz), ("a.root", Format::Root), ("n.root", Format::RNTuple)] {
        let path = folder.path().join(name);
        write(&path, &electrons(4000), &WriteOptions { format: Some(format), ..WriteOptions::default() });
        let bytes = std::fs::read(&path).unwrap();
        for place in (200..bytes.len() - 100).step_by(bytes.len() / 41) {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x10;
            std::fs::write(&path, damaged).unwrap();
            let whole = read(&path, &ReadOptions::default(), &Silent);
            match (whole, in_parts(std::slice::from_ref(&path), &ReadOptions::default(), 1000)) {
                (Ok(whole), Ok((data, ..))) => assert_eq!(whole.data, data, "{name}, byte {place}"),
                (Err(_), Err(_)) => refused += 1,
                (whole, read) => panic!("{name}, byte {place}: {whole:?} at once, {read:?} in parts"),
            }
        }
    }
    assert!(refused > 60, "{refused}");
}

#[test]
fn until_nobody_takes_more() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.root");
    write(&path, &electrons(1000), &WriteOptions::default());
    let mut parts = 0;
    let stopped = read_each(&[Source::from(&path)], &ReadOptions::default(), Some(100), &Silent, |_, _| {
        parts += 1;
        if parts == 3 { Err(Error::Changed { file: "it".into() }) } else { Ok(()) }
    });
    assert_eq!((stopped.unwrap_err().to_string().contains("it"), parts), (true, 3));
}
