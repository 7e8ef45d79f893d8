//! The values of a branch in memory.

use std::borrow::Cow;
use std::ops::Range;

use super::branch::{BranchKind, ElementType};
use super::packing::Packing;
use crate::error::Fault;
use crate::limit::check_content;

macro_rules! values {
    ($($variant:ident: $type:ty),*) => {
        /// The values of a branch, in the type that the branch has in the file.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "the variants are called as their types")]
        pub enum Values {
            Bool(Vec<bool>),
            $($variant(Vec<$type>),)*
        }

        impl Values {
            pub(crate) fn new(element: ElementType) -> Self {
                match element {
                    ElementType::Bool => Self::Bool(Vec::new()),
                    $(ElementType::$variant => Self::$variant(Vec::new()),)*
                }
            }

            /// The type of the values.
            pub fn element(&self) -> ElementType {
                match self {
                    Self::Bool(_) => ElementType::Bool,
                    $(Self::$variant(_) => ElementType::$variant,)*
                }
            }

            /// Number of values.
            pub fn len(&self) -> usize {
                match self {
                    Self::Bool(values) => values.len(),
                    $(Self::$variant(values) => values.len(),)*
                }
            }

            fn clear(&mut self) {
                match self {
                    Self::Bool(values) => values.clear(),
                    $(Self::$variant(values) => values.clear(),)*
                }
            }

            /// Makes room for more values.
            pub(crate) fn reserve(&mut self, count: usize) {
                match self {
                    Self::Bool(values) => values.reserve(count),
                    $(Self::$variant(values) => values.reserve(count),)*
                }
            }

            /// Appends zeros.
            pub(crate) fn extend_zeros(&mut self, count: usize) {
                match self {
                    Self::Bool(values) => values.resize(values.len() + count, false),
                    $(Self::$variant(values) => values.resize(values.len() + count, <$type>::default()),)*
                }
            }

            /// Appends the values whose big-endian bytes are given.
            fn extend(&mut self, bytes: &[u8]) {
                match self {
                    Self::Bool(values) => values.extend(bytes.iter().map(|&byte| byte != 0)),
                    $(Self::$variant(values) => {
                        values.extend(bytes.as_chunks().0.iter().copied().map(<$type>::from_be_bytes));
                    })*
                }
            }

            /// Keeps the values for whose places `keep` is true.
            pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
                let mut place = 0..;
                let mut kept = move || keep(place.next().unwrap_or(usize::MAX));
                match self {
                    Self::Bool(values) => values.retain(|_| kept()),
                    $(Self::$variant(values) => values.retain(|_| kept()),)*
                }
            }

            /// All values as `f64`; integers beyond 2⁵³ are rounded. `true` is 1.
            #[allow(clippy::cast_lossless, reason = "one rule for all types")]
            pub fn to_f64(&self) -> Vec<f64> {
                match self {
                    Self::Bool(values) => values.iter().map(|&value| f64::from(u8::from(value))).collect(),
                    $(Self::$variant(values) => values.iter().map(|&value| value as f64).collect(),)*
                }
            }

            /// All values as `f32`, rounded where they do not fit. `true` is 1. Values that are `f32` are not
            /// copied.
            #[allow(clippy::cast_lossless, trivial_numeric_casts, reason = "one rule for all types")]
            pub fn into_f32(self) -> Vec<f32> {
                match self {
                    Self::F32(values) => values,
                    Self::Bool(values) => values.into_iter().map(|value| f32::from(u8::from(value))).collect(),
                    $(#[allow(unreachable_patterns)]
                    Self::$variant(values) => values.into_iter().map(|value| value as f32).collect(),)*
                }
            }
        }
    };
}

values!(I8: i8, U8: u8, I16: i16, U16: u16, I32: i32, U32: u32, I64: i64, U64: u64, F32: f32, F64: f64);

impl Values {
    /// Appends values that are stored in fewer bytes than those of their type.
    fn unpack(&mut self, packing: Packing, bytes: &[u8]) {
        match (self, packing) {
            (values, Packing::None) => values.extend(bytes),
            (Self::F32(values), _) => values.extend(packing.values(bytes).map(|value| value as f32)),
            (Self::F64(values), _) => values.extend(packing.values(bytes)),
            _ => {}
        }
    }

    /// True if there are no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Entries of a branch: those of entry `i` are `values[offsets[i]..offsets[i + 1]]`.
///
/// ```
/// use townsend_root::{Column, Values};
/// let column = Column { offsets: vec![0, 2, 2, 3], values: Values::F32(vec![1.5, 2.5, 3.5]) };
/// assert_eq!(column.entries(), 3);
/// assert_eq!(column.entry(1), 2..2);
/// assert_eq!(column.values.to_f64()[column.entry(2)], [3.5]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Where each entry starts in `values`, and where the last one ends: one more than there are entries.
    pub offsets: Vec<u64>,
    /// The values of all entries, one entry after the other. A text is its bytes.
    pub values: Values,
}

impl Default for Column {
    /// A column without entries.
    fn default() -> Self {
        Self { offsets: vec![0], values: Values::F32(Vec::new()) }
    }
}

impl Column {
    /// An error if the column is larger than a file of so many bytes can mean.
    pub(super) fn check_content(&self, file: u64) -> Result<(), Fault> {
        let bytes = self.values.len() * self.values.element().size() + size_of_val(&self.offsets[..]);
        check_content(bytes as u64, file).map_err(Fault::Damaged)
    }

    /// Number of entries.
    pub fn entries(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The range in `values` of the values of an entry.
    ///
    /// # Panics
    /// If there is no such entry.
    pub fn entry(&self, index: usize) -> Range<usize> {
        self.offsets[index] as usize..self.offsets[index + 1] as usize
    }

    /// The text of an entry; `None` if the values are not bytes.
    ///
    /// # Panics
    /// If there is no such entry.
    pub fn text(&self, index: usize) -> Option<Cow<'_, str>> {
        match &self.values {
            Values::U8(bytes) => Some(String::from_utf8_lossy(&bytes[self.entry(index)])),
            _ => None,
        }
    }

    /// Removes all entries, and keeps the memory if the type of the values does not change.
    pub(crate) fn reset(&mut self, kind: &BranchKind) {
        self.offsets.clear();
        self.offsets.push(0);
        match kind.element() {
            Some(element) if element != self.values.element() => self.values = Values::new(element),
            _ => self.values.clear(),
        }
    }

    /// Adds an entry, given the bytes of its values.
    pub(super) fn push_bytes(&mut self, packing: Packing, bytes: &[u8]) -> Result<(), Fault> {
        let size = packing.size(self.values.element());
        if !bytes.len().is_multiple_of(size) {
            return Err(Fault::Damaged(format!(
                "an entry of {} bytes has values of {size} bytes",
                bytes.len()
            )));
        }
        self.values.unpack(packing, bytes);
        self.offsets.push(self.values.len() as u64);
        Ok(())
    }

    /// Adds `count` entries with equally many values each, given the bytes of all values.
    pub(super) fn push_equal(&mut self, packing: Packing, bytes: &[u8], count: usize) {
        let before = self.values.len();
        self.values.unpack(packing, bytes);
        let each = (self.values.len() - before).checked_div(count).unwrap_or(0);
        self.offsets.extend((1..=count).map(|index| (before + index * each) as u64));
    }
}
