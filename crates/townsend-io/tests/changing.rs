//! Files that another program writes to, replaces or removes while they are read.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use townsend_core::{Progress, Silent, Task};
use townsend_io::{Loaded, ReadOptions, Result, read};

/// Does something to a file when reading has begun, which tells of itself as progress.
struct Meddler<'a> {
    path: &'a Path,
    with: fn(&Path),
}

impl Progress for Meddler<'_> {
    fn task(&self, _name: &str, _total: u64) -> Box<dyn Task + '_> {
        (self.with)(self.path);
        Box::new(Silent)
    }
}

fn grow(path: &Path) {
    File::options().append(true).open(path).unwrap().write_all(b"0,1,1,1\n").unwrap();
}

fn shorten(path: &Path) {
    let file = File::options().write(true).open(path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 3).unwrap();
}

fn empty(path: &Path) {
    File::create(path).unwrap();
}

fn overwrite(path: &Path) {
    let length = path.metadata().unwrap().len();
    // The time of a change is told in ticks of the kernel.
    std::thread::sleep(std::time::Duration::from_millis(20));
    File::options().write(true).open(path).unwrap().write_all(&vec![b'7'; length as usize]).unwrap();
}

fn replace(path: &Path) {
    let other = path.with_extension("other");
    std::fs::copy(path, &other).unwrap();
    std::fs::rename(other, path).unwrap();
}

fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

/// A file of each format in a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data");
    let shipped = [data.join("electrons.npz"), data.join("avalanches_2d.root")];
    let mut files: Vec<PathBuf> = shipped
        .iter()
        .map(|file| {
            let copy = folder.join(file.file_name().unwrap());
            std::fs::copy(file, &copy).unwrap();
            copy
        })
        .collect();
    let electrons = read(&files[0], &ReadOptions::default(), &Silent).unwrap().data;
    for name in ["tree.root", "text.csv"] {
        let path = folder.join(name);
        if name == "text.csv" {
            let rows: Vec<String> =
                (0..40_000).map(|row| format!("{},0.5,0.25,{row}\n", row / 1000)).collect();
            std::fs::write(&path, "event,x [mm],z [mm],t [ns]\n".to_owned() + &rows.concat()).unwrap();
        } else {
            let options = townsend_io::WriteOptions::default();
            let mut writer = townsend_io::AvalancheWriter::create(&path, electrons.meta(), &options).unwrap();
            writer.append(&electrons).unwrap();
            writer.finish().unwrap();
        }
        files.push(path);
    }
    files
}

fn while_read(path: &Path, with: fn(&Path)) -> Result<Loaded> {
    read(path, &ReadOptions::default(), &Meddler { path, with })
}

#[test]
fn a_file_that_is_changed_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    for path in files(folder.path()) {
        let whole = std::fs::read(&path).unwrap();
        for (what, with) in [
            ("grow", grow as fn(&Path)),
            ("shorten", shorten),
            ("empty", empty),
            ("overwrite", overwrite),
            ("replace", replace),
        ] {
            let message = match while_read(&path, with) {
                Err(error) => error.to_string(),
                Ok(_) => panic!("{what} {} was not noticed", path.display()),
            };
            let wanted = format!("{}: was changed while it was read", path.display());
            assert!(message.starts_with(&wanted), "{what}: {message}");
            std::fs::write(&path, &whole).unwrap();
        }
        read(&path, &ReadOptions::default(), &Silent).unwrap();
    }
}

/// Who has opened a file reads it to its end, whether it has a name or not.
#[cfg(unix)]
#[test]
fn a_file_that_is_removed_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    for path in files(folder.path()) {
        let whole = read(&path, &ReadOptions::default(), &Silent).unwrap();
        assert_eq!(while_read(&path, remove).unwrap(), whole, "{}", path.display());
        assert!(!path.exists());
    }
}
