//! The configurations that ship with the project can be read and fit the standard grid.

use std::path::PathBuf;

use townsend_core::{Axis, Grid};
use townsend_models::{AdversarialLoss, ModelConfig};
use townsend_train::TrainConfig;

#[test]
fn shipped_configurations_are_valid() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../configs");
    let mut networks = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        // These are fitted, not trained by steps; the tests of the command read them.
        if path.is_dir()
            || ["cascade", "recorded"].iter().any(|kind| name.starts_with(kind))
            || name.starts_with("clusters")
        {
            continue;
        }
        let config = TrainConfig::load(&path, &[]).unwrap();
        config.model.check(&grid(config.model.dims())).unwrap_or_else(|error| panic!("{name}: {error}"));
        networks += 1;
    }
    assert!(networks >= 18, "{networks}");
}

/// The standard grid; for the number of electrons alone one bin.
fn grid(dims: usize) -> Grid {
    match dims {
        0 => Grid::new(vec![Axis::uniform(1, -1.5, 1.5).unwrap()]).unwrap(),
        dims => Grid::standard(dims).unwrap(),
    }
}

#[test]
fn presets_are_valid_in_all_dimensions_of_their_family() {
    for family in ModelConfig::FAMILIES {
        for preset in ["improved", "reference"] {
            let least = match *family {
                "gan" => 0,
                "vae" => 1,
                _ => 2,
            };
            for dims in least..=3 {
                let text = format!("[model]\nfamily = \"{family}\"\npreset = \"{preset}\"\ndims = {dims}");
                let config = TrainConfig::parse(&text, "preset".as_ref(), &[]).unwrap();
                config
                    .model
                    .check(&grid(dims))
                    .unwrap_or_else(|error| panic!("{family} {preset} {dims}D: {error}"));
            }
        }
    }
    let text = "[model]\nfamily = \"gan\"\npreset = \"best\"";
    let message = TrainConfig::parse(text, "preset".as_ref(), &[]).unwrap_err().to_string();
    assert!(
        message.contains("model.preset = \"best\" is not possible: there are \"improved\" and \"reference\""),
        "{message}"
    );
}

#[test]
fn a_preset_may_differ_by_dimensions() {
    let gan = |text: &str| {
        let text = format!("[model]\nfamily = \"gan\"\npreset = \"reference\"\n{text}");
        match TrainConfig::parse(&text, "preset".as_ref(), &[]).unwrap().model {
            ModelConfig::Gan(config) => config,
            other => panic!("{other:?}"),
        }
    };
    assert!(gan("").label && gan("dims = 1").label && gan("dims = 2").label);
    assert!(!gan("dims = 3").label && gan("dims = 3\nlabel = true").label);
    assert_eq!(gan("dims = 0").loss, AdversarialLoss::WganGp);
    assert_eq!(gan("dims = 1").loss, AdversarialLoss::Bce);
}
