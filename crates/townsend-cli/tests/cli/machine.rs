//! What a machine may refuse: threads, links, renames without replacing; and outputs and inputs that are no
//! files.
#![cfg(target_os = "linux")]

use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};

use crate::support::{Desk, bash, shipped};

const ELECTRONS: &str = "electrons.npz";

fn desk() -> Desk {
    Desk::with([shipped(ELECTRONS)])
}

/// Root may have any number of threads, so the command is run by a user who may have one.
#[test]
fn one_thread_is_enough() {
    let desk = desk();
    std::fs::set_permissions(desk.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    // Where the command was built that user may not look.
    std::fs::copy(assert_cmd::cargo::cargo_bin!("townsend"), desk.path("townsend")).unwrap();
    let nobody = "if ((UID == 0)); then nobody='setpriv --reuid 65534 --regid 65534 --clear-groups'; fi";
    for quiet in ["", "--quiet"] {
        let line = |threads: &str| {
            format!(
                "{nobody}; $nobody bash -c 'ulimit -u 1; exec ./townsend {threads} {quiet} inspect {ELECTRONS}'"
            )
        };
        let ran = bash(&desk, &line("--threads 1"));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(ran.stdout.contains("avalanches  40"), "{}", ran.stdout);
        let ran = bash(&desk, &line("--threads 3"));
        assert_eq!(ran.code, Some(1), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("no more threads") && ran.stderr.contains("--threads 1"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn an_output_needs_neither_links_nor_renames_without_replacing() {
    let desk = desk();
    let strace =
        "strace -f -qq -o /dev/null -e inject=renameat2:error=EINVAL -e inject=?link,linkat:error=EPERM";
    let ran = bash(&desk, &format!("{strace} $townsend convert {ELECTRONS} new.npz"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    desk.does(&format!("convert {ELECTRONS} plain.npz"));
    assert!(desk.bytes("new.npz") == desk.bytes("plain.npz"));

    let strace = format!("{strace} -e inject=?rename,?renameat:error=EACCES");
    let ran = bash(&desk, &format!("{strace} $townsend convert {ELECTRONS} kept.npz"));
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("kept.npz: cannot be put in its place"), "{}", ran.stderr);
    let everything = desk.everything();
    let kept: Vec<_> =
        everything.iter().filter(|(path, _)| path.to_string_lossy().ends_with(".part")).collect();
    let [(path, contents)] = &kept[..] else { panic!("{}", desk.listing()) };
    assert!(ran.stderr.contains(&*path.to_string_lossy()), "{}", ran.stderr);
    assert!(contents.as_deref() == Some(&desk.bytes("plain.npz")[..]));
    assert!(!everything.contains_key(std::path::Path::new("kept.npz")), "{}", desk.listing());
}

#[test]
fn a_link_stays_and_its_file_is_replaced() {
    let desk = desk();
    desk.does(&format!("convert {ELECTRONS} plain.npz"));
    std::fs::write(desk.path("old.npz"), "old").unwrap();
    for (link, target) in [("link.npz", "old.npz"), ("dangling.npz", "made.npz")] {
        symlink(target, desk.path(link)).unwrap();
        assert!(desk.run(&format!("convert {ELECTRONS} {link}")).stderr.contains("--force overwrites it"));
        desk.does(&format!("convert {ELECTRONS} {link} --force"));
        assert!(desk.path(link).is_symlink(), "{link}");
        assert!(desk.bytes(target) == desk.bytes("plain.npz"), "{link}");
    }
}

#[test]
fn a_pipe_is_written_to() {
    let desk = desk();
    for name in ["plain.npz", "plain.root"] {
        desk.does(&format!("convert {ELECTRONS} {name}"));
        let format = name.rsplit('.').next().unwrap();
        let into_pipe = format!("$townsend convert {ELECTRONS} pipe --format {format} --force");
        let ran = bash(&desk, &format!("mkfifo pipe && {{ cat pipe > got & }} && {into_pipe} && wait"));
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        assert!(desk.path("pipe").symlink_metadata().unwrap().file_type().is_fifo());
        std::fs::remove_file(desk.path("pipe")).unwrap();
        if format == "npz" {
            assert!(desk.bytes("got") == desk.bytes(name), "{name}");
        }
        desk.does("inspect got --quiet");
    }
    let ran =
        bash(&desk, &format!("$townsend convert {ELECTRONS} /dev/stdout --format npz --force | cat > got"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(desk.bytes("got") == desk.bytes("plain.npz"));
}

#[test]
fn an_input_is_a_file() {
    let desk = desk();
    for (input, what) in [
        (&*format!("<(cat {ELECTRONS})"), "it is a pipe"),
        (&*format!("/dev/stdin < <(cat {ELECTRONS})"), "it is a pipe"),
        ("/dev/zero", "it is a device"),
        (".", "it is a folder"),
    ] {
        let ran = bash(&desk, &format!("$townsend inspect {input}"));
        assert_eq!(ran.code, Some(1), "{input}: {}", ran.stderr);
        assert!(ran.stderr.contains(what) && ran.stderr.contains("a file is needed"), "{}", ran.stderr);
    }
    let ran = bash(&desk, &format!("$townsend inspect /dev/stdin < {ELECTRONS}"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}
