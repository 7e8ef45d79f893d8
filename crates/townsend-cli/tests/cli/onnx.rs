//! Networks for the runtimes of others.

use crate::support::{Desk, python, shipped, tiny};

/// The lines of Python in `docs/onnx.md` make avalanches like those of `generate`, with every form of the
/// distribution of the number of electrons.
#[test]
fn the_page_says_how_avalanches_come_of_a_file() {
    let desk = Desk::with([tiny(), shipped("../docs/onnx.md")]);
    desk.does("simulate --detector microscopic_275 --events 400 --out real.npz");
    let gain_gan = "[model]\nfamily = \"gan\"\ndims = 0\nlatent = 4\nhidden = 8\n[training]\nepochs = 2\nbatch_size = 32\n";
    std::fs::write(desk.path("gain.toml"), gain_gan).unwrap();
    for (run, config, size) in [
        ("quantiles", "tiny", "quantiles"),
        ("polya", "tiny", "polya"),
        ("mixture", "tiny", "negative_binomial_mixture"),
        ("gain", "gain", "quantiles"),
    ] {
        desk.does(&format!("train {config}.toml --data real.npz --run {run} --set size.form={size}"));
        let told = desk.does(&format!("export --run {run} --out {run}.onnx --json")).json();
        assert_eq!(
            (&told["what"], &told["bytes"]),
            (&"onnx".into(), &desk.bytes(&format!("{run}.onnx")).len().into())
        );
        desk.does(&format!("generate --run {run} --events 800 --out {run}.npz"));
        let compared = python(&desk, "onnx_page.py", &format!("onnx.md {run}.onnx {run}.npz"));
        assert!(compared.contains("800 avalanches"), "{compared}");
    }
}

#[test]
fn what_is_no_network_is_refused_and_nothing_is_overwritten() {
    let desk = Desk::with([tiny()]);
    desk.does("simulate --detector microscopic_275 --events 120 --out real.npz");
    desk.does("train tiny.toml --data real.npz --run run");
    let said = desk.run("export --run run --out vae.onnx").stderr;
    assert!(said.contains("network of the family vae, 3 normal numbers an avalanche"), "{said}");
    assert!(said.contains("the number 2 chooses the Gaussian"), "{said}");
    let refused = desk.fails(1, "export --run run --out vae.onnx");
    assert!(refused.contains("--force"), "{refused}");
    let bytes = desk.bytes("vae.onnx");
    // Weights and single file give the same graph as the run.
    for other in ["weights.safetensors", "model.townsend"] {
        desk.does(&format!("export --run run --out {other}"));
        desk.does(&format!("export --run {other} --out vae.onnx --force"));
        assert!(desk.bytes("vae.onnx") == bytes, "{other}");
    }
    std::fs::write(desk.path("clusters.toml"), "[model]\nfamily = \"clusters\"\n").unwrap();
    desk.does("train clusters.toml --data real.npz --run clusters --set training.sweeps=10");
    for (model, family) in [("clusters", "clusters"), ("cgem", "detector")] {
        let refused = desk.fails(2, &format!("export --run {model} --out other.onnx"));
        let why = format!("{model}: a model of the family {family} is no network");
        assert!(refused.contains(&why) && refused.contains("C library"), "{refused}");
    }
    let refused = desk.fails(1, "export --run vae.onnx --out again.townsend");
    assert!(refused.contains("vae.onnx"), "{refused}");
}
