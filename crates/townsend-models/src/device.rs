//! The devices that networks are trained on.

use burn_tensor::Device;

use crate::ModelError;

const NAMES: &[&str] = &[
    "cpu",
    #[cfg(feature = "cuda")]
    "cuda",
    #[cfg(feature = "wgpu")]
    "wgpu",
];

/// The device of this name: `cpu`, and in builds with these features `cuda` and `wgpu`.
pub fn device(name: &str) -> Result<Device, ModelError> {
    match name {
        "cpu" => Ok(Device::flex()),
        #[cfg(feature = "cuda")]
        "cuda" => Ok(Device::cuda(burn_tensor::DeviceIndex::Default)),
        #[cfg(feature = "wgpu")]
        "wgpu" => Ok(Device::wgpu(burn_tensor::DeviceKind::DefaultDevice)),
        _ => Err(ModelError::Device { name: name.into(), available: NAMES.join(", ") }),
    }
}
