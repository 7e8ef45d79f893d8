//! What several tests use.

/// A network small enough to be trained in a moment.
pub(crate) const VAE: &str = r#"
    [model]
    family = "vae"
    dims = 2
    channels = [4, 8]
    kernels = [4, 4]
    strides = [2, 1]
    hidden = 16
    latent = 2
    [training]
    epochs = 1
    batch_size = 8
    [data]
    grid.axes = [{ bins = 8, low = -1.5, high = 1.5 }, { bins = 8, low = -1.5, high = 1.5 }]
"#;
