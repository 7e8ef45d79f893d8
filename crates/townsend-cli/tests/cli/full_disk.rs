//! A disk without room, as a limit on the size of files: every output appears whole or not at all.

use crate::support::{Desk, TRAINED, end, shipped, tiny};

/// Runs with files limited to `blocks` of 512 bytes, and expects that the output cannot be written and that
/// nothing changes.
fn is_refused(desk: &Desk, blocks: u32, arguments: &str, names: &str) {
    let before = desk.everything();
    // Without the trap the signal would end the process before the system could answer.
    let ran = end(desk.shell(&format!("trap '' XFSZ; ulimit -f {blocks}; exec"), arguments, ""));
    assert_eq!(ran.code, Some(1), "{arguments}\n{}", ran.stderr);
    assert_eq!(ran.stderr.matches("error: ").count(), 1, "{}", ran.stderr);
    let error = ran.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
    assert!(error.contains(names) && error.contains("File too large"), "{error}");
    assert!(!error.contains(".part"), "the temporary name means nothing to a user: {error}");
    assert!(before == desk.everything(), "{arguments}\n{}", desk.listing());
}

#[test]
fn converted_files() {
    let desk = Desk::with([shipped("electrons.npz")]);
    for name in ["new.npz", "tree.root", "histograms.root --dims 1,2,3", "counts.npz --dims 2"] {
        let file = name.split(' ').next().unwrap();
        is_refused(&desk, 16, &format!("convert electrons.npz {name}"), file);
        std::fs::write(desk.path(file), "precious").unwrap();
        is_refused(&desk, 16, &format!("convert electrons.npz {name} --force"), file);
    }
}

#[test]
fn generated_files() {
    let desk = Desk::with([&TRAINED.run]);
    for file in ["generated.root", "generated.npz"] {
        is_refused(&desk, 16, &format!("generate --run run --events 500 --out {file}"), file);
        std::fs::write(desk.path(file), "precious").unwrap();
        is_refused(&desk, 16, &format!("generate --run run --events 500 --out {file} --force"), file);
    }
}

#[test]
fn reports() {
    let desk = Desk::with([&TRAINED.data]);
    std::fs::create_dir(desk.path("report")).unwrap();
    let check = "check --real avalanches.root --generated avalanches.root --no-classifiers --out report";
    // Room for report.json but not for the page.
    is_refused(&desk, 512, check, "report/report.html");
    for name in ["report.json", "report.html", "overview.svg"] {
        std::fs::write(desk.path(format!("report/{name}")), "precious").unwrap();
    }
    is_refused(&desk, 512, &format!("{check} --force"), "report/report.html");
}

#[test]
fn runs() {
    let desk = Desk::with([&TRAINED.data, &TRAINED.run, &tiny()]);
    let train = "train tiny.toml --data avalanches.root --run";
    is_refused(&desk, 16, &format!("{train} run --force"), "last.safetensors");
    is_refused(&desk, 16, &format!("{train} new"), "last.safetensors");
}

#[test]
fn checkpoints_of_a_training_under_way() {
    // Room for the first checkpoint but not for one that has the optimiser's state.
    let desk = Desk::with([&TRAINED.data, &tiny()]);
    let size = std::fs::metadata(TRAINED.run.join("checkpoints/best.safetensors")).unwrap().len();
    let blocks = size.div_ceil(512) + 16;
    let train = "train tiny.toml --data avalanches.root --run run";
    let ran = end(desk.shell(&format!("trap '' XFSZ; ulimit -f {blocks}; exec"), train, ""));
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.stderr.contains("run/checkpoints/last.safetensors: cannot be written"), "{}", ran.stderr);
    assert!(!desk.listing().contains(".part"), "{}", desk.listing());
    // With room again it goes on from the last checkpoint, to the same end.
    desk.does(&format!("{train} --resume"));
    let whole = std::fs::read(TRAINED.run.join("checkpoints/last.safetensors")).unwrap();
    assert!(desk.bytes("run/checkpoints/last.safetensors") == whole);
}
