//! The configurations that ship with the project can be read and fit the standard grid.

use std::path::PathBuf;

use townsend_core::Grid;
use townsend_train::TrainConfig;

#[test]
fn shipped_configurations_are_valid() {
    for name in ["vae-2d.toml", "vae-2d-reference.toml", "vae-3d.toml"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../configs").join(name);
        let config = TrainConfig::load(&path, &[]).unwrap();
        let grid = Grid::standard(config.model.dims()).unwrap();
        config.model.check(&grid).unwrap();
    }
}
