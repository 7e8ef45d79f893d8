use std::io::Write;

use super::*;

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let mut output = OutputFile::create(&path, false).unwrap();
    output.file().write_all(b"half").unwrap();
    assert!(!path.exists());
    drop(output);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    OutputFile::write(&path, b"whole", false).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"whole");
}

#[test]
fn nothing_is_overwritten_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let late = OutputFile::filled(&path, b"late", false).unwrap();
    OutputFile::write(&path, b"first", false).unwrap();
    // It is not overwritten, and what was made late is not lost.
    let Err(OutputError::Kept { kept, source, .. }) = late.commit() else { panic!("overwritten") };
    assert_eq!(source.kind(), ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(kept).unwrap(), b"late");
    assert!(matches!(OutputFile::write(&path, b"second", false), Err(OutputError::Exists { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"first");
    OutputFile::write(&path, b"second", true).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"second");
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("not").join("there");
    let message = OutputFile::create(&path, false).unwrap_err().to_string();
    assert!(message.contains("not does not exist"), "{message}");
}

#[cfg(unix)]
#[test]
fn an_output_is_as_readable_as_the_umask_says() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
    OutputFile::write(&ours, b"", false).unwrap();
    std::fs::write(&plain, b"").unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
    assert_eq!(mode(&ours), mode(&plain));
}

#[cfg(unix)]
#[test]
fn a_socket_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert!(matches!(OutputFile::create(&path, false), Err(OutputError::Exists { .. })));
    let message = OutputFile::create(&path, true).unwrap_err().to_string();
    assert!(message.contains("socket: is a socket"), "{message}");
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_stays_and_its_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("deep")).unwrap();
        std::fs::write(at("deep/file"), "old").unwrap();
        symlink("deep/file", at("first")).unwrap();
        symlink(at("first"), at("second")).unwrap();
        assert!(matches!(OutputFile::write(&at("second"), b"new", false), Err(OutputError::Exists { .. })));
        OutputFile::write(&at("second"), b"new", true).unwrap();
        assert!(at("first").is_symlink() && at("second").is_symlink());
        assert!(!at("deep/file").is_symlink());
        assert_eq!(std::fs::read(at("deep/file")).unwrap(), b"new");
        // A temporary file beside the link could be on another disk.
        let output = OutputFile::create(&at("second"), true).unwrap();
        assert!(output.temporary.path().parent().unwrap().ends_with("deep"));
    }

    #[test]
    fn a_link_to_nothing_gets_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("deep")).unwrap();
        symlink("file", at("deep/second")).unwrap();
        symlink("deep/second", at("first")).unwrap();
        assert!(matches!(OutputFile::create(&at("first"), false), Err(OutputError::Exists { .. })));
        OutputFile::write(&at("first"), b"new", true).unwrap();
        assert!(at("first").is_symlink() && at("deep/second").is_symlink());
        assert_eq!(std::fs::read(at("deep/file")).unwrap(), b"new");

        symlink("no/such/folder", at("astray")).unwrap();
        let message = OutputFile::create(&at("astray"), true).unwrap_err().to_string();
        assert!(message.contains("astray: the folder") && message.contains("no/such"), "{message}");
        symlink("circle", at("circle")).unwrap();
        let message = OutputFile::create(&at("circle"), true).unwrap_err().to_string();
        assert!(message.contains("circle: cannot be written"), "{message}");
        symlink("deep", at("folder")).unwrap();
        assert!(matches!(OutputFile::create(&at("folder"), true), Err(OutputError::IsFolder { .. })));
    }
}

#[cfg(unix)]
mod streams {
    use std::os::unix::fs::FileTypeExt;
    use std::process::Command;

    use super::*;

    fn pipe(folder: &Path) -> PathBuf {
        let path = folder.join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn a_pipe_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(folder.path());
        assert!(matches!(OutputFile::create(&path, false), Err(OutputError::Exists { .. })));
        // More than a pipe holds.
        let contents: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
        let read = std::thread::scope(|scope| {
            let reader = scope.spawn(|| std::fs::read(&path).unwrap());
            let mut output = OutputFile::create(&path, true).unwrap();
            output.file().write_all(&contents[1..]).unwrap();
            // Formats go back to where they began.
            output.file().rewind().unwrap();
            output.file().write_all(&contents).unwrap();
            output.commit().unwrap();
            reader.join().unwrap()
        });
        assert!(read == contents);
        assert!(path.symlink_metadata().unwrap().file_type().is_fifo());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_reader_does_not_take_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = pipe(folder.path());
        let contents = vec![7; 300_000];
        let error = std::thread::scope(|scope| {
            // It opens the pipe and goes away.
            scope.spawn(|| File::open(&path).unwrap());
            OutputFile::write(&path, &contents, true).unwrap_err()
        });
        let OutputError::Kept { kept, source, .. } = error else { panic!("{error}") };
        assert_eq!(source.kind(), ErrorKind::BrokenPipe);
        assert_eq!(std::fs::read(&kept).unwrap(), contents);
        std::fs::remove_file(kept).unwrap();
    }

    /// Whether a device that a link leads to is found, without writing to it.
    #[test]
    fn a_device_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        for path in [Path::new("/dev/null"), &link] {
            assert_eq!(Place::of(path, true).unwrap(), Place::Stream(path.into()));
            assert!(matches!(Place::of(path, false), Err(OutputError::Exists { .. })));
        }
    }
}

#[test]
fn what_a_killed_attempt_left_is_cleared_by_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.npz");
    let names = || {
        let entries = std::fs::read_dir(folder.path()).unwrap().flatten();
        let mut names: Vec<String> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    // Of this output, of another one, and of this one by a process that is at work.
    std::fs::write(folder.path().join(".townsend-out.npz-abc123.part"), "half").unwrap();
    std::fs::write(folder.path().join(".townsend-other.npz-abc123.part"), "half").unwrap();
    let at_work = OutputFile::filled(&path, b"first", false).unwrap();
    assert_eq!(names().len(), 2, "{:?}", names());
    let second = OutputFile::filled(&path, b"second", true).unwrap();
    at_work.commit().unwrap();
    second.commit().unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"second");
    assert_eq!(names(), [".townsend-other.npz-abc123.part", "out.npz"]);
    // A whole file that could not be moved to its place is no leftover.
    let late = OutputFile::filled(&path, b"late", true).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let Err(OutputError::Kept { kept, .. }) = late.commit() else { panic!("a folder was replaced") };
    std::fs::remove_dir(&path).unwrap();
    OutputFile::write(&path, b"third", false).unwrap();
    assert_eq!(std::fs::read(kept).unwrap(), b"late");
}
