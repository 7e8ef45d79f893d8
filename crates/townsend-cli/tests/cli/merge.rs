//! Shards that are put together.

use crate::support::{Desk, TRAINED, read, shipped};

/// Makes shards and merges them in another order; the file must be that of one run without shards.
fn merged_is_whole(desk: &Desk, command: &str, ending: &str, options: &str) {
    for shard in 1..=3 {
        desk.does(&format!("{command} --shard {shard}/3 {options} --out part-{shard}.{ending} --force"));
    }
    desk.does(&format!("{command} {options} --out whole.{ending} --force"));
    let parts = format!("part-3.{ending} part-1.{ending} part-2.{ending}");
    let ran = desk.does(&format!("merge {parts} --out merged.{ending} --force"));
    assert!(ran.stderr.contains("3 shards"), "{}", ran.stderr);
    let [merged, whole] = ["merged", "whole"].map(|name| desk.bytes(&format!("{name}.{ending}")));
    assert!(merged == whole, "{command} {options}: {ending}");
}

#[test]
fn merged_shards_are_the_whole_byte_for_byte() {
    let desk = Desk::with([&TRAINED.run]);
    let simulate = "simulate --detector microscopic_275 --events 20 --seed 3";
    for (ending, options) in
        [("npz", ""), ("root", ""), ("root", "--format rntuple"), ("root", "--dims 3,1"), ("npz", "--dims 2")]
    {
        merged_is_whole(&desk, simulate, ending, options);
    }
    for (ending, options) in [("npz", ""), ("root", "--dims 1,2"), ("root", "--isa portable")] {
        merged_is_whole(&desk, "generate --run run --events 100", ending, options);
    }
    // Fewer avalanches than shards: one of them holds none.
    merged_is_whole(&desk, "generate --run run --events 2", "root", "--dims 2,1");
}

#[test]
fn shards_that_do_not_belong_together_are_refused() {
    let desk = Desk::with([&TRAINED.run, &shipped("electrons.npz")]);
    let part = |shard: &str, name: &str, options: &str| {
        desk.does(&format!("generate --run run --events 60 --shard {shard} --out {name}.npz {options}"));
    };
    for (shard, name, options) in [
        ("1/3", "a", ""),
        ("2/3", "b", ""),
        ("3/3", "c", ""),
        ("2/3", "seed", "--seed 2"),
        ("2/4", "four", ""),
        ("3/3", "again", ""),
    ] {
        part(shard, name, options);
    }
    desk.does("generate --run run --events 61 --shard 2/3 --out more.npz");
    desk.does("simulate --detector microscopic_275 --events 60 --shard 2/3 --dims 2 --out other.npz");
    desk.does("convert b.npz b.root");
    for (shards, said) in [
        ("a.npz c.npz", "2 of 3 shards are there; missing: 2"),
        ("a.npz b.npz c.npz again.npz", "is shard 3/3 of 60 avalanches, and so is c.npz"),
        (
            "a.npz seed.npz c.npz",
            "seed.npz: is no shard of the same production as a.npz: its seed is 2, not 1",
        ),
        ("a.npz four.npz c.npz", "its number of shards is 4, not 3"),
        ("a.npz more.npz c.npz", "its number of avalanches in all is 61, not 60"),
        ("a.npz other.npz c.npz", "how it was made is simulate, not generate"),
        ("a.npz b.root c.npz", "b.root: is no shard of the same production as a.npz: how it was made is"),
        ("electrons.npz", "is no shard"),
        ("nothing-*.npz", "nothing-*.npz"),
    ] {
        let code = if said.contains("missing") { 2 } else { 1 };
        let error = desk.fails(code, &format!("merge {shards} --out merged.npz"));
        assert!(error.contains(said), "{shards}: {error}");
    }
    let error = desk.fails(2, "merge a.npz b.npz c.npz --out merged.root");
    assert!(error.contains("the format npz"), "{error}");
    // A shard that lost avalanches after it was written.
    let mut short = read(desk.path("b.npz"), None);
    let meta = short.meta().clone();
    short = short.select(&(0..10).collect::<Vec<_>>());
    *short.meta_mut() = meta;
    crate::support::write(desk.path("short.npz"), &short);
    let error = desk.fails(1, "merge a.npz short.npz c.npz --out merged.npz");
    assert!(
        error.contains("short.npz: holds 10 avalanches, but shard 2/3 of 60 avalanches has 20"),
        "{error}"
    );
}

#[test]
fn networks_of_other_instructions_are_not_mixed() {
    let desk = Desk::with([&TRAINED.run]);
    desk.does("generate --run run --events 20 --shard 1/2 --isa portable --out a.npz");
    desk.does("generate --run run --events 20 --shard 2/2 --out b.npz");
    let used = read(desk.path("b.npz"), None).meta().provenance.instructions.clone();
    if used.as_deref() == Some("portable") {
        desk.does("merge a.npz b.npz --out merged.npz");
    } else {
        let error = desk.fails(1, "merge a.npz b.npz --out merged.npz");
        assert!(error.contains("its instruction set is") && error.contains("not portable"), "{error}");
    }
    // The Monte Carlo gives the same bits whatever it runs on, and says so.
    for isa in ["portable", "auto"] {
        desk.does(&format!("simulate --detector microscopic_275 --events 20 --isa {isa} --out {isa}.npz"));
    }
    assert!(desk.bytes("portable.npz") == desk.bytes("auto.npz"));
    let error = desk.fails(2, "simulate --events 20 --isa mmx --out x.npz");
    assert!(error.contains("this CPU has no instruction set `mmx`"), "{error}");
}
