//! What the command says of itself.

use std::fmt::Write;

use crate::support::Desk;

#[test]
fn help_of_every_verb() {
    let desk = Desk::new();
    let mut all = String::new();
    for verb in [
        "",
        "demo",
        "simulate",
        "gain",
        "readout",
        "digitise",
        "resolution",
        "inspect",
        "convert",
        "train",
        "generate",
        "export",
        "check",
        "bench",
        "configs",
        "detectors",
        "completions",
    ] {
        let ran = desk.does(&format!("{verb} --help"));
        assert_eq!(ran.stderr, "");
        if !verb.is_empty() {
            assert!(ran.stdout.contains("Example") && ran.stdout.contains(&format!("  townsend {verb} ")));
        }
        writeln!(all, "$ townsend {verb} --help\n{}", ran.stdout).unwrap();
    }
    insta::assert_snapshot!(all);
}

#[test]
fn the_version_names_the_commit() {
    let desk = Desk::new();
    for arguments in ["--version", "train --version"] {
        let said = desk.does(arguments).stdout;
        assert!(said.trim_end().ends_with(townsend::version()), "{said}");
    }
}

#[test]
fn nothing_asked_is_answered_with_the_verbs() {
    let ran = Desk::new().run("");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("inspect") && ran.stderr.contains("townsend demo"), "{}", ran.stderr);
}
