//! The members of the anchor of an RNTuple, as ROOT 6.40 declares them.

use super::Class;
use super::Element::{self, Basic};

pub(super) const RNTUPLES: &[Class] = &[Class {
    name: "ROOT::RNTuple",
    version: 2,
    checksum: 0x28e6_32ec,
    elements: &[
        version_number("fVersionEpoch"),
        version_number("fVersionMajor"),
        version_number("fVersionMinor"),
        version_number("fVersionPatch"),
        place("fSeekHeader"),
        place("fNBytesHeader"),
        place("fLenHeader"),
        place("fSeekFooter"),
        place("fNBytesFooter"),
        place("fLenFooter"),
        place("fMaxKeySize"),
    ],
}];

const fn version_number(name: &'static str) -> Element {
    Basic(name, 12, 2, "unsigned short")
}

const fn place(name: &'static str) -> Element {
    Basic(name, 14, 8, "unsigned long")
}
