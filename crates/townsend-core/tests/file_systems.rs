//! Outputs on file systems that cannot do what most can, such as those of clusters: a tracer makes system
//! calls of this program fail.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use townsend_core::OutputFile;

/// Names the file that [`an_output`] writes, when the other tests run this program again.
const PATH: &str = "TOWNSEND_TEST_OUTPUT";

#[test]
fn an_output() {
    let Some(path) = std::env::var_os(PATH) else { return };
    if let Err(error) = OutputFile::write(Path::new(&path), b"work", false) {
        panic!("{error}");
    }
}

/// Runs [`an_output`] with failing system calls, each `calls:error=NAME`. What it says if it fails.
fn with_failing(calls: &[&str], path: &Path) -> Result<(), String> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null"]);
    for call in calls {
        strace.args(["-e", &format!("inject={call}")]);
    }
    strace.arg(std::env::current_exe().unwrap()).args(["--exact", "an_output", "--nocapture"]);
    let output = strace.env(PATH, path).output();
    let output = output.expect("the tests need strace (Debian: apt-get install strace)");
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

const NO_REPLACE: &str = "renameat2:error=EINVAL";
const NO_LINKS: &str = "?link,linkat:error=EPERM";

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn neither_links_nor_renames_without_replacing() {
    for calls in [&[NO_REPLACE][..], &[NO_REPLACE, NO_LINKS], &["renameat2:error=ENOSYS", NO_LINKS]] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        with_failing(calls, &path).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"work", "{calls:?}");
        assert_eq!(names(folder.path()), ["out"], "{calls:?}");
    }
}

#[test]
fn no_synchronisation() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    with_failing(&["fsync:error=EINVAL"], &path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"work");
}

/// A full disk is another case: there are no contents to keep.
#[test]
fn contents_that_are_not_on_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let said = with_failing(&["fsync:error=EDQUOT"], &folder.path().join("out")).unwrap_err();
    assert!(said.contains("cannot be written"), "{said}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_cannot_be_put_in_its_place_is_kept_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let calls = [NO_REPLACE, NO_LINKS, "?rename,?renameat:error=EACCES"];
    let said = with_failing(&calls, &folder.path().join("out")).unwrap_err();
    let names = names(folder.path());
    let [kept] = &names[..] else { panic!("{names:?}") };
    assert!(said.contains("out: cannot be put in its place") && said.contains(kept), "{said}");
    assert_eq!(std::fs::read(folder.path().join(kept)).unwrap(), b"work");
}
