//! Checkpoints and the generator, on a network of a few hundred weights.

use std::path::Path;

use burn_tensor::Device;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use tempfile::TempDir;
use townsend_core::{Axis, CountSet, Grid, Meta};
use townsend_models::gan::GanConfig;
use townsend_models::vae::VaeConfig;
use townsend_models::{
    CHECKPOINT_VERSION, Checkpoint, CheckpointHeader, Generator, ModelConfig, ModelError, Moments,
    Parameters, SizeConfig, SizeModel, TrainingState, Workspace,
};

fn checkpoint() -> Checkpoint {
    let axis = Axis::uniform(18, -1.0, 1.0).unwrap();
    let grid = Grid::new(vec![axis.clone(), axis]).unwrap();
    let config = ModelConfig::Vae(VaeConfig {
        channels: vec![6, 12],
        kernels: vec![6, 8],
        strides: vec![2, 1],
        hidden: 40,
        latent: 5,
        ..VaeConfig::default()
    });
    let model = config.check(&grid).unwrap();
    let sizes: Vec<u64> = (0..200).map(|k| if k % 5 == 0 { 0 } else { 20 + k }).collect();
    let header = CheckpointHeader {
        version: CHECKPOINT_VERSION,
        model: config,
        grid,
        size: SizeModel::fit(&sizes, &SizeConfig::default()).unwrap(),
        data: Meta::default(),
        training: TrainingState { seed: 3, best: Some((0.1 + 0.2, 4)), ..TrainingState::default() },
    };
    let parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
    let moments =
        |value: f32| parameters.trained().map(|spec| (spec.name.clone(), vec![value; spec.len()])).collect();
    let moments = Moments { first: moments(0.25), second: moments(0.5), average: moments(0.125) };
    Checkpoint { header, parameters, moments }
}

fn saved() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    std::fs::write(&path, checkpoint().to_bytes(&path).unwrap()).unwrap();
    (folder, path)
}

fn load(path: &Path) -> Result<Checkpoint, ModelError> {
    Ok(Checkpoint::from_bytes(&std::fs::read(path).unwrap(), path, &Device::flex())?.0)
}

fn generator(path: &Path) -> Generator {
    Generator::from_bytes(&std::fs::read(path).unwrap(), path).unwrap()
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn what_was_saved_is_loaded_and_saved_again_byte_for_byte() {
    let (folder, path) = saved();
    let loaded = load(&path).unwrap();
    let original = checkpoint();
    assert_eq!(loaded.header, original.header);
    assert_eq!(loaded.moments, original.moments);
    for spec in original.parameters.specs() {
        assert_eq!(
            loaded.parameters.values(&spec.name),
            original.parameters.values(&spec.name),
            "{}",
            spec.name
        );
    }
    let again = folder.path().join("again.safetensors");
    std::fs::write(&again, loaded.to_bytes(&again).unwrap()).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), std::fs::read(again).unwrap());
}

/// The bytes of the file with its tensors changed by `edit`.
fn edited(path: &Path, edit: impl Fn(&mut Vec<(String, Vec<usize>, Vec<u8>)>)) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: Vec<_> =
        file.iter().map(|(name, t)| (name.to_owned(), t.shape().to_vec(), t.data().to_vec())).collect();
    edit(&mut tensors);
    let views =
        tensors.iter().map(|(n, s, d)| (n.as_str(), TensorView::new(Dtype::F32, s.clone(), d).unwrap()));
    safetensors::serialize(views.collect::<Vec<_>>(), metadata.metadata().clone()).unwrap()
}

#[test]
fn a_damaged_checkpoint_ends_in_one_error_that_names_file_and_tensor() {
    let (folder, path) = saved();
    let bad = folder.path().join("bad.safetensors");
    let error = |bytes: &[u8]| {
        std::fs::write(&bad, bytes).unwrap();
        let message = load(&bad).unwrap_err().to_string();
        assert!(message.starts_with(&bad.display().to_string()), "{message}");
        message
    };
    let name = "encoder.conv1.bias";
    let find = |tensors: &[(String, Vec<usize>, Vec<u8>)]| tensors.iter().position(|t| t.0 == name).unwrap();
    let missing = edited(&path, |tensors| drop(tensors.remove(find(tensors))));
    assert!(error(&missing).ends_with("the tensor encoder.conv1.bias is missing"));
    let extra = edited(&path, |tensors| tensors.push(("encoder.conv9.bias".into(), vec![1], vec![0; 4])));
    assert!(error(&extra).ends_with("the model has no tensor encoder.conv9.bias"));
    let shape = edited(&path, |tensors| {
        let at = find(tensors);
        tensors[at].1 = vec![2, 3];
    });
    assert!(error(&shape).ends_with("the tensor encoder.conv1.bias is F32 [2, 3]; the model wants F32 [6]"));
    let nan = edited(&path, |tensors| {
        let at = find(tensors);
        tensors[at].2[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    });
    assert!(error(&nan).ends_with("the tensor encoder.conv1.bias holds NaN"));
    let moment =
        edited(&path, |tensors| tensors.retain(|t| t.0 != "optimizer.exp_avg_sq.encoder.conv1.bias"));
    assert!(error(&moment).ends_with("the tensor optimizer.exp_avg_sq.encoder.conv1.bias is missing"));

    let whole = std::fs::read(&path).unwrap();
    for length in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        assert!(error(&whole[..length]).contains("not a checkpoint of townsend"), "{length} bytes");
    }
    assert!(error(b"PK\x03\x04 this is a zip file").contains("not a checkpoint of townsend"));
}

#[test]
fn a_checkpoint_of_another_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.safetensors");
    let mut later = checkpoint();
    later.header.version += 1;
    let bytes = later.to_bytes(&path).unwrap();
    let message = Generator::from_bytes(&bytes, &path).unwrap_err().to_string();
    assert!(message.contains("version 4") && message.contains("version 3"), "{message}");
}

#[test]
fn an_avalanche_depends_on_seed_and_number_alone() {
    let (_folder, path) = saved();
    let generator = generator(&path);
    let whole = pool(1).install(|| generator.generate(7, 0..200));
    assert_eq!(whole.len(), 200);
    // Shards, chunks and threads make no difference.
    let mut shards = CountSet::new(generator.grid().clone());
    for range in [0..1, 1..64, 64..130, 130..199, 199..200] {
        shards.append(&pool(3).install(|| generator.generate(7, range))).unwrap();
    }
    assert_eq!(shards, whole);
    assert!(generator.chunks(7, 10..180).all(|chunk| chunk.len() <= 64));
    assert_ne!(generator.generate(8, 0..200), whole);
    assert_eq!(generator.generate(7, 5..5).len(), 0);
    // Nor does it whether an avalanche is drawn with others or alone.
    let mut workspace = Workspace::default();
    for index in [0, 199, 3, 64, 63] {
        assert_eq!(generator.avalanche(7, index, &mut workspace), whole.get(index as usize), "{index}");
    }
}

/// A generator of each family and number of dimensions, small and with initial weights.
fn families() -> Vec<(String, Generator)> {
    const LAYERS: &str =
        r#""generator": {"linear": [4, 18], "channels": [2, 1], "kernels": [2, 4], "strides": [1, 2]}"#;
    const SOLID: &str =
        r#""generator": {"linear": [4, 54], "channels": [2, 1], "kernels": [2, 4], "strides": [1, 2]}"#;
    const CRITIC: &str = r#""critic": {"channels": [2, 3], "kernels": [4, 2], "strides": [2, 1]}"#;
    let vae = r#""family": "vae", "channels": [3, 4], "kernels": [4, 4], "strides": [2, 1], "hidden": 7, "latent": 4"#;
    let models = [
        (0, r#""family": "gan", "dims": 0, "latent": 3, "hidden": 5, "noise": "uniform""#.to_owned()),
        (1, r#""family": "gan", "dims": 1, "latent": 3, "hidden": 5, "dropout": 0.3"#.to_owned()),
        (2, format!(r#""family": "gan", "layout": "reference", {LAYERS}, {CRITIC}"#)),
        (2, format!(r#""family": "gan", "log_density_polynomial": true, {LAYERS}, {CRITIC}"#)),
        (2, format!(r#""family": "infogan", "dims": 2, "classes": 3, "output": "relu", {LAYERS}, {CRITIC}"#)),
        (3, format!(r#""family": "infogan", "log_density_polynomial": true, {SOLID}, {CRITIC}"#)),
        (1, format!(r#"{vae}, "dims": 1, "sampler": "flow""#)),
        (3, format!(r#"{vae}, "dims": 3, "log_density_polynomial": true"#)),
    ];
    let of = |(dims, model): (usize, String)| {
        let bins = if dims == 0 { 1 } else { 8 };
        let grid = Grid::new(vec![Axis::uniform(bins, -1.0, 1.0).unwrap(); dims.max(1)]).unwrap();
        let config: ModelConfig = serde_json::from_str(&format!("{{{model}}}")).unwrap();
        let network = config.check(&grid).unwrap();
        let mut parameters = Parameters::initial(network.tensors(), 1, &Device::flex());
        let mut training = CountSet::new(grid.clone());
        let cells = grid.cells() as u32;
        (0..5).for_each(|k| training.push((0..cells).filter(|c| (c + k) % 3 == 1).map(|c| (c, 1 + c % 4))));
        network.prepare(&mut parameters, &training);
        let header = CheckpointHeader { model: config, grid, ..checkpoint().header };
        let checkpoint = Checkpoint { header, parameters, moments: Moments::default() };
        (model, Generator::new(checkpoint, network))
    };
    models.into_iter().map(of).collect()
}

#[test]
fn an_avalanche_alone_is_that_of_a_block_in_every_family() {
    // One workspace for all of them: what is left in it from another generator makes no difference.
    let mut workspace = Workspace::default();
    for (name, generator) in families() {
        let block = generator.generate(3, 0..70);
        assert!(block.iter().any(|avalanche| avalanche.electrons() > 0), "{name}");
        for (index, want) in (0..).zip(block.iter()) {
            assert_eq!(generator.avalanche(3, index, &mut workspace), want, "{name} {index}");
        }
    }
}

#[test]
fn sizes_are_those_of_the_size_model_and_shapes_differ() {
    let (_folder, path) = saved();
    let generator = generator(&path);
    let generated = generator.generate(1, 0..2000);
    let sizes: Vec<u64> = generated.iter().map(|avalanche| avalanche.electrons()).collect();
    let empty = sizes.iter().filter(|&&n| n == 0).count() as f64 / 2000.0;
    assert!((empty - 0.2).abs() < 4.0 * (0.16f64 / 2000.0).sqrt(), "{empty}");
    assert!(sizes.iter().all(|&n| n == 0 || (21..=219).contains(&n)));
    assert_ne!(generated.get(1).cells, generated.get(2).cells);
}

#[test]
fn reconstructed_avalanches_have_the_electrons_of_the_real_ones() {
    let (_folder, path) = saved();
    let generator = generator(&path);
    let mut real = CountSet::new(generator.grid().clone());
    real.push([(150, 30), (151, 5)]);
    real.push([]);
    real.push([(210, 8)]);
    let reconstructed = generator.reconstruct(1, &real).unwrap();
    let electrons: Vec<u64> = reconstructed.iter().map(|avalanche| avalanche.electrons()).collect();
    assert_eq!(electrons, [35, 0, 8]);
    assert_eq!(generator.reconstruct(1, &real), Some(reconstructed));
}

/// A gain GAN: it draws the number of electrons, the size model which avalanches are empty, and there is
/// nothing to reconstruct.
#[test]
fn a_model_that_draws_sizes_leaves_avalanches_empty_too() {
    let grid = Grid::new(vec![Axis::uniform(1, -1.0, 1.0).unwrap()]).unwrap();
    let config = ModelConfig::Gan(GanConfig { dims: 0, latent: 2, hidden: 4, ..GanConfig::default() });
    let model = config.check(&grid).unwrap();
    let parameters = Parameters::initial(model.tensors(), 1, &Device::flex());
    let header = CheckpointHeader { model: config, grid, ..checkpoint().header };
    let generator = Generator::new(Checkpoint { header, parameters, moments: Moments::default() }, model);
    let generated = generator.generate(1, 0..2000);
    let empty = generated.iter().filter(|avalanche| avalanche.electrons() == 0).count() as f64 / 2000.0;
    assert!((empty - 0.2).abs() < 4.0 * (0.16f64 / 2000.0).sqrt(), "{empty}");
    assert_eq!(generator.reconstruct(1, &generated), None);
}
