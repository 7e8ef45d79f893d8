//! Weights in a file of their own.

use std::sync::LazyLock;

use safetensors::SafeTensors;

use crate::support::{Desk, copy, shipped};

/// `real.npz` and a run of each family of networks on it, made once.
static TRAINED: LazyLock<Desk> = LazyLock::new(|| {
    let desk = Desk::with([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/tiny.toml")]);
    desk.does("simulate --detector microscopic_275 --events 120 --out real.npz");
    desk.does("train tiny.toml --data real.npz --run vae");
    let gan = "generator = { linear = [8, 8], channels = [2, 1], kernels = [46, 2], strides = [1, 2] }\n\
               critic = { linear = [4], channels = [2], kernels = [4], strides = [4] }\n";
    let training = "[training]\nepochs = 1\nbatch_size = 16\n";
    for family in ["gan", "infogan"] {
        let critic = if family == "gan" { gan.to_owned() } else { gan.replace("linear = [4], ", "") };
        // From 1 cell over 46 to 92.
        let text = format!("[model]\nfamily = \"{family}\"\ndims = 2\n{critic}{training}");
        std::fs::write(desk.path(format!("{family}.toml")), text).unwrap();
        desk.does(&format!("train {family}.toml --data real.npz --run {family}"));
    }
    desk
});

/// The file has every tensor by the name it has in PyTorch, and the same avalanches come of it as of the run.
#[test]
fn weights_are_all_that_generate_needs() {
    let desk = Desk::new();
    let names =
        [("vae", "decoder.conv1.weight"), ("gan", "critic.conv1.weight"), ("infogan", "critic.class.weight")];
    for (family, name) in names {
        let run = TRAINED.path(family);
        let told =
            desk.does(&format!("export --run {} --out {family}.safetensors --json", run.display())).json();
        let bytes = desk.bytes(&format!("{family}.safetensors"));
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert!(file.tensor(name).is_ok(), "{:?}", file.names());
        assert_eq!(told["tensors"], file.len());
        let numbers: usize =
            file.tensors().iter().map(|(_, tensor)| tensor.shape().iter().product::<usize>()).sum();
        assert_eq!(told["weights"], numbers);
        desk.does(&format!("generate --run {} --events 50 --out run.npz --force", run.display()));
        desk.does(&format!("generate --run {family}.safetensors --events 50 --out file.npz --force"));
        let data = |name: &str| crate::support::read(desk.path(name), None);
        assert_eq!(data("run.npz").digest(), data("file.npz").digest());
    }
}

/// The same avalanches come of the single file as of the run, and the same file of the same model.
#[test]
fn a_model_of_any_family_fits_in_one_file() {
    let desk = Desk::with([shipped("single_foils.npz"), shipped("../configs/cascade-stages.toml")]);
    desk.does("train cascade-stages.toml --data single_foils.npz --run cascade");
    let real = TRAINED.path("real.npz");
    std::fs::write(desk.path("clusters.toml"), "[model]\nfamily = \"clusters\"\n").unwrap();
    desk.does(&format!(
        "train clusters.toml --data {} --run clusters --set training.sweeps=10 \
         --set training.electrons=10000",
        real.display()
    ));
    for family in ["vae", "gan", "infogan"] {
        copy(&TRAINED.path(family), &desk.path(family));
    }
    for family in ["cascade", "clusters", "vae", "gan", "infogan"] {
        let told = desk.does(&format!("export --run {family} --out {family}.townsend --json")).json();
        assert_eq!((&told["what"], &told["family"]), (&"model".into(), &family.into()));
        desk.does(&format!("export --run {family}.townsend --out again.townsend --force"));
        assert!(desk.bytes(&format!("{family}.townsend")) == desk.bytes("again.townsend"), "{family}");
        for from in [family.to_owned(), format!("{family}.townsend")] {
            desk.does(&format!("generate --run {from} --events 50 --out {from}.npz"));
        }
        let data = |name: String| crate::support::read(desk.path(name), None);
        let (run, file) = (data(format!("{family}.npz")), data(format!("{family}.townsend.npz")));
        assert_eq!(run.digest(), file.digest(), "{family}");
    }
    let whole = desk.bytes("cascade.townsend");
    for cut in [4, 100, whole.len() / 2, whole.len() - 1] {
        std::fs::write(desk.path("cut.townsend"), &whole[..cut]).unwrap();
        let said = desk.fails(1, "generate --run cut.townsend --events 5 --out a.npz");
        assert!(said.contains("cut.townsend"), "{said}");
    }
}

/// What avalanches follow from is computed on the CPU, on whatever it was trained.
#[test]
fn a_run_of_another_device_opens_where_there_is_none() {
    let desk = Desk::new();
    copy(&TRAINED.path("vae"), &desk.path("vae"));
    let config = desk.text("vae/config.toml");
    assert!(config.contains("device = \"cpu\""), "{config}");
    std::fs::write(desk.path("vae/config.toml"), config.replace("\"cpu\"", "\"cuda\"")).unwrap();
    desk.does("generate --run vae --events 40 --out a.npz");
    let real = TRAINED.path("real.npz");
    desk.does(&format!(
        "check --real {} --held-back vae --generated a.npz --out report --no-classifiers",
        real.display()
    ));
}

#[test]
fn nothing_is_overwritten_and_refusals_say_why() {
    let desk = Desk::with([shipped("../configs/cascade.toml")]);
    copy(&TRAINED.path("vae"), &desk.path("vae"));
    let refused = |arguments: &str, why: &str| {
        let ran = desk.run(arguments);
        assert!(ran.code != Some(0) && ran.stderr.contains(why), "{arguments}: {}", ran.stderr);
    };
    desk.does("export --run vae --out weights.safetensors");
    refused("export --run vae --out weights.safetensors", "--force");
    desk.does("export --run vae --out weights.safetensors --force");
    refused("export --run vae --out weights.pt", "give the file one of these endings");
    refused("export --run nothing --out other.safetensors", "nothing");
    refused("generate --run cascade.toml --events 5 --out a.npz", "cascade.toml");
    std::fs::write(desk.path("other.safetensors.txt"), "no weights").unwrap();
    refused("generate --run other.safetensors.txt --events 5 --out a.npz", "is not a run");
    assert!(!desk.path("other.safetensors").exists() && !desk.path("weights.pt").exists());
}

/// Avalanches that a vae was shown, as it decodes them.
#[test]
fn a_vae_reconstructs_avalanches_and_others_do_not() {
    let desk = Desk::new();
    let [vae, gan, real] = ["vae", "gan", "real.npz"].map(|name| TRAINED.path(name));
    let asked = format!("--reconstruct {} --out again.npz --seed 4", real.display());
    desk.does(&format!("generate --run {} {asked}", vae.display()));
    let [shown, again] = [real, desk.path("again.npz")].map(|path| crate::support::read(path, None));
    assert_eq!(again.len(), shown.len());
    assert!((0..shown.len()).all(|index| again.electrons(index) == shown.electrons(index)));
    let bytes = desk.bytes("again.npz");
    desk.does(&format!("generate --run {} {asked} --force --threads 3", vae.display()));
    assert_eq!(desk.bytes("again.npz"), bytes);
    let refused = desk.run(&format!("generate --run {} {asked} --force", gan.display()));
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("only a vae can reconstruct"), "{}", refused.stderr);
    assert_eq!(desk.bytes("again.npz"), bytes);
}
