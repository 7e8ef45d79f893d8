//! The families of models that ship.

mod cascade;
mod clusters;
mod detector;
mod networks;

use crate::Family;

pub use detector::DetectorModel;

/// All of them. A new family is a folder or a crate, and a line here.
pub(crate) fn shipped() -> Vec<Box<dyn Family>> {
    vec![
        Box::new(cascade::CascadeFamily),
        Box::new(clusters::ClusterFamily),
        Box::new(networks::NetworkFamily),
        Box::new(detector::DetectorFamily),
    ]
}
