//! Disks that are full or read-only, quotas, network file systems in trouble: real ones where the tests may
//! mount some, else what a tracer lets the system answer.
#![cfg(target_os = "linux")]

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::LazyLock;

use crate::support::{Desk, Ran, TRAINED, bash, shipped, tiny};

fn desk() -> Desk {
    Desk::with([&shipped("electrons.npz"), &TRAINED.data, &tiny()])
}

/// Two outputs of each kind that there is: a file, and a folder of files.
const WRITES: [(&str, &str); 2] = [
    ("convert electrons.npz disk/new.npz", "disk/new.npz"),
    ("train tiny.toml --data avalanches.root --run disk/run", "disk/run"),
];

/// The command that gives a process file systems of its own, which end with it; none if this user may not.
static OWN_DISKS: LazyLock<Option<&str>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let mut ways = ["unshare --mount", "unshare --map-root-user --mount"].into_iter();
    ways.find(|way| {
        let mount = format!("{way} mount -t tmpfs none {}", folder.path().display());
        Command::new("sh").args(["-c", &mount]).output().unwrap().status.success()
    })
});

/// It has failed, and told of the file and of the cause.
fn assert_told(ran: &Ran, [name, why]: [&str; 2], case: &str) {
    assert_eq!(ran.code, Some(1), "{case}: {}", ran.stderr);
    assert!(ran.stderr.contains(name) && ran.stderr.contains(why), "{case}: {}", ran.stderr);
}

/// Runs commands of which `disk` is a disk in memory of so many kilobytes, and then lists it.
fn on_a_disk(desk: &Desk, own_disks: &str, kilobytes: u32, line: &str) -> Ran {
    let mount = format!("mkdir -p disk && mount -t tmpfs -o size={kilobytes}k none disk");
    bash(desk, &format!("{own_disks} bash -c '{mount}; {line}; code=$?; find disk -mindepth 1; exit $code'"))
}

#[test]
fn a_full_disk_is_told_and_left_as_it_was() {
    let desk = desk();
    for (command, name) in WRITES {
        let (ran, why) = if let Some(own_disks) = *OWN_DISKS {
            let line = format!("$townsend --quiet {command}");
            (on_a_disk(&desk, own_disks, 20, &line), "No space left on device")
        } else {
            std::fs::create_dir_all(desk.path("disk")).unwrap();
            let limit = "trap \"\" XFSZ; ulimit -f 16";
            let list = "code=$?; find disk -mindepth 1; exit $code";
            (bash(&desk, &format!("{limit}; $townsend --quiet {command}; {list}")), "File too large")
        };
        assert_told(&ran, [name, why], command);
        assert_eq!(ran.stdout, "", "{command}");
        assert_eq!(ran.stderr.matches("error: ").count(), 1, "{command}: {}", ran.stderr);
    }
}

/// A disk that is full of other things, and has room again.
#[test]
fn with_room_again_it_is_done() {
    let desk = desk();
    let Some(own_disks) = *OWN_DISKS else {
        // Without a disk of its own: a file that may not grow, and then may.
        let limited = "trap \"\" XFSZ; ulimit -f 16; $townsend convert electrons.npz new.npz";
        assert_eq!(bash(&desk, limited).code, Some(1));
        desk.does("convert electrons.npz new.npz");
        return;
    };
    for (command, _) in WRITES {
        let fill = "head -c 1990k /dev/zero > disk/full";
        let ran = on_a_disk(
            &desk,
            own_disks,
            2000,
            &format!("{fill}; ! $townsend --quiet {command} && rm disk/full && $townsend {command}"),
        );
        assert_eq!(ran.code, Some(0), "{command}: {}", ran.stderr);
        assert!(!ran.stdout.contains(".part") && !ran.stdout.contains("lock"), "{}", ran.stdout);
    }
}

#[test]
fn a_disk_that_may_only_be_read() {
    let desk = desk();
    std::fs::set_permissions(desk.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    // Where the command was built another user may not look.
    std::fs::copy(assert_cmd::cargo::cargo_bin!("townsend"), desk.path("townsend")).unwrap();
    for (command, name) in WRITES {
        let (ran, why) = if let Some(own_disks) = *OWN_DISKS {
            let line = format!("mount -o remount,ro disk; $townsend --quiet {command}");
            (on_a_disk(&desk, own_disks, 2000, &line), "Read-only file system")
        } else {
            // Root may write everywhere, so it is another user who may not.
            let nobody =
                "if ((UID == 0)); then nobody=\"setpriv --reuid 65534 --regid 65534 --clear-groups\"; fi";
            let line =
                format!("mkdir -p disk; chmod 555 disk; {nobody}; $nobody ./townsend --quiet {command}");
            (bash(&desk, &line), "Permission denied")
        };
        assert_told(&ran, [name, why], command);
        assert_eq!(ran.stdout, "", "{command}");
    }
}

/// Runs a command some of whose calls of the system fail, each `calls:error=NAME`.
fn with_failing(desk: &Desk, calls: &[&str], of: &str, command: &str) -> Ran {
    let inject: Vec<String> = calls.iter().map(|call| format!("-e inject={call}")).collect();
    let inject = inject.join(" ");
    bash(desk, &format!("strace -f -qq -o /dev/null {of} {inject} $townsend --quiet {command}"))
}

/// Quotas and network file systems often tell only when a file is synchronised that it has no room.
#[test]
fn what_is_told_when_a_file_is_synchronised() {
    let desk = desk();
    std::fs::create_dir(desk.path("disk")).unwrap();
    let before = desk.everything();
    for (error, why) in [
        ("EDQUOT", "Disk quota exceeded"),
        ("ENOSPC", "No space left on device"),
        ("EIO", "Input/output error"),
        ("ESTALE", "Stale file handle"),
    ] {
        for (command, name) in WRITES {
            let ran = with_failing(&desk, &[&format!("fsync:error={error}")], "", command);
            assert_told(&ran, [name, why], &format!("{error} {command}"));
            assert!(before == desk.everything(), "{error} {command}: {}", desk.listing());
        }
    }
}

/// The name is on another disk (a file that is mounted into a container), or the server forgot the folder.
#[test]
fn what_cannot_be_renamed_is_kept() {
    let desk = desk();
    desk.does("convert electrons.npz plain.npz");
    for (error, why) in [
        ("EXDEV", "cross-device link"),
        ("EBUSY", "Device or resource busy"),
        ("ESTALE", "Stale file handle"),
        ("EEXIST", "File exists"),
    ] {
        let failing = format!("?rename,?renameat,renameat2,?link,linkat:error={error}");
        // Something is there, which is replaced, or not.
        for (force, place) in [("", "new.npz"), ("--force", "old.npz")] {
            std::fs::write(desk.path("old.npz"), "old").unwrap();
            let ran = with_failing(&desk, &[&failing], "", &format!("convert electrons.npz {place} {force}"));
            assert_eq!(ran.code, Some(1), "{error}: {}", ran.stderr);
            assert!(ran.stderr.contains(&format!("{place}: cannot be put in its place")), "{}", ran.stderr);
            assert!(ran.stderr.contains(why), "{error}: {}", ran.stderr);
            assert!(!desk.path("new.npz").exists() && desk.text("old.npz") == "old");
            let (kept, contents) = desk
                .everything()
                .into_iter()
                .find(|(path, _)| path.to_string_lossy().starts_with(".townsend"))
                .unwrap();
            assert!(ran.stderr.contains(&*kept.to_string_lossy()), "{}", ran.stderr);
            assert!(contents.unwrap() == desk.bytes("plain.npz"));
            std::fs::remove_file(desk.path(kept)).unwrap();
        }
    }
}

/// A disk that fails, or a server that goes away, in the middle of an input.
#[test]
fn an_input_that_cannot_be_read_further() {
    let desk = desk();
    std::fs::write(desk.path("electrons.csv"), "event,x,z,t\n".to_owned() + &"1,0.5,0.5,1\n".repeat(90_000))
        .unwrap();
    let before = desk.everything();
    for (file, command) in [
        ("electrons.npz", "convert electrons.npz new.root"),
        ("electrons.csv", "convert electrons.csv new.root --units mm,ns"),
        ("avalanches.root", "convert avalanches.root new.npz"),
        ("avalanches.root", "train tiny.toml --data avalanches.root --run run"),
    ] {
        for (error, why) in [("EIO", "Input/output error"), ("ESTALE", "Stale file handle")] {
            for number in [1, 3, 6] {
                let calls = format!("read,pread64:error={error}:when={number}+");
                let of = format!("-P {}", desk.path(file).canonicalize().unwrap().display());
                let ran = with_failing(&desk, &[&calls], &of, command);
                assert_told(&ran, [file, why], &format!("{number} {command}"));
                assert!(before == desk.everything(), "{number} {command}: {}", desk.listing());
            }
        }
    }
}
