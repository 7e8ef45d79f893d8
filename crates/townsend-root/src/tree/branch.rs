//! Branches: names, and types of their values.

use std::fmt;
use std::sync::Arc;

use super::basket::Basket;
use super::kind::Stored;

/// The type of a single value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ElementType {
    /// `Bool_t`, leaf type `O`.
    Bool,
    /// `Char_t`, leaf type `B`.
    I8,
    /// `UChar_t`, leaf type `b`.
    U8,
    /// `Short_t`, leaf type `S`.
    I16,
    /// `UShort_t`, leaf type `s`.
    U16,
    /// `Int_t`, leaf type `I`.
    I32,
    /// `UInt_t`, leaf type `i`.
    U32,
    /// `Long64_t` or `Long_t`, leaf types `L` and `G`.
    I64,
    /// `ULong64_t` or `ULong_t`, leaf types `l` and `g`.
    U64,
    /// `Float_t`, leaf type `F`, and `Float16_t`, leaf type `f`.
    F32,
    /// `Double_t`, leaf type `D`, and `Double32_t`, leaf type `d`.
    F64,
}

impl ElementType {
    /// Bytes per value in memory, and in the file except for `Float16_t` and `Double32_t`.
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::I16 | Self::U16 => 2,
            Self::I32 | Self::U32 | Self::F32 => 4,
            Self::I64 | Self::U64 | Self::F64 => 8,
        }
    }

    /// The type of the items of a C++ vector, by its name in ROOT.
    pub(crate) fn from_cpp(name: &str) -> Option<Self> {
        Some(match name {
            "bool" | "Bool_t" => Self::Bool,
            "char" | "signed char" | "int8_t" | "Char_t" => Self::I8,
            "unsigned char" | "uint8_t" | "UChar_t" => Self::U8,
            "short" | "int16_t" | "Short_t" => Self::I16,
            "unsigned short" | "uint16_t" | "UShort_t" => Self::U16,
            "int" | "int32_t" | "Int_t" => Self::I32,
            "unsigned int" | "uint32_t" | "unsigned" | "UInt_t" => Self::U32,
            "long" | "long long" | "int64_t" | "Long64_t" | "Long_t" => Self::I64,
            "unsigned long" | "unsigned long long" | "uint64_t" | "ULong64_t" | "ULong_t" => Self::U64,
            "float" | "Float_t" => Self::F32,
            "double" | "Double_t" => Self::F64,
            _ => return None,
        })
    }

    /// The type behind a code of ROOT's `EDataType`.
    pub(super) fn from_code(code: i32) -> Option<Self> {
        Some(match code {
            1 => Self::I8,
            2 => Self::I16,
            // The code 6, kCounter, is an integer that counts the values of other branches.
            3 | 6 => Self::I32,
            4 | 16 => Self::I64,
            5 => Self::F32,
            8 => Self::F64,
            11 => Self::U8,
            12 => Self::U16,
            13 => Self::U32,
            14 | 17 => Self::U64,
            18 => Self::Bool,
            _ => return None,
        })
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

/// The type of the values of a branch, and how many an entry has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BranchKind {
    /// One value: `x/F`.
    Scalar(ElementType),
    /// A fixed number of values: `p[3]/F`. [`Branch::shape`] tells the dimensions of `p[4][5]/F`.
    Array(ElementType, usize),
    /// A number of values that another branch holds: `x[n]/F`. [`Branch::shape`] tells how many values each
    /// of the counts has in `x[n][2]/F`.
    Counted(ElementType),
    /// The values of a container of numbers: `std::vector<T>`, `RVec<T>`, `std::deque<T>`, `std::set<T>`.
    Vector(ElementType),
    /// One text: leaf type `C`, or a `std::string`.
    Text,
    /// A branch that this crate does not read: what it is, such as "a `TVector3`" or "a branch whose values
    /// are in another file".
    Unsupported(String),
}

impl BranchKind {
    /// The type of the values. Texts are read as bytes.
    pub fn element(&self) -> Option<ElementType> {
        match *self {
            Self::Scalar(element)
            | Self::Array(element, _)
            | Self::Counted(element)
            | Self::Vector(element) => Some(element),
            Self::Text => Some(ElementType::U8),
            Self::Unsupported(_) => None,
        }
    }
}

impl fmt::Display for BranchKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scalar(element) => write!(f, "{element}"),
            Self::Array(element, length) => write!(f, "{element}[{length}]"),
            Self::Counted(element) => write!(f, "{element}[]"),
            Self::Vector(element) => write!(f, "vector<{element}>"),
            Self::Text => write!(f, "text"),
            Self::Unsupported(what) => write!(f, "{what} (not readable)"),
        }
    }
}

/// A column of a tree: a branch, or one leaf of a branch that has several (then called `branch.leaf`), or a
/// member of a split object (called `branch.member`).
#[derive(Clone, Debug)]
pub struct Branch {
    pub(super) name: Arc<str>,
    pub(super) stored: Stored,
    pub(super) shape: Vec<usize>,
    pub(super) counter: Option<Arc<str>>,
    /// First byte of this leaf in an entry of a branch of fixed size.
    pub(super) place: usize,
    pub(super) storage: Arc<Storage>,
}

/// Data that all leaves of a branch share.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) title: String,
    pub(super) entries: u64,
    /// Bytes of all leaves in an entry of a branch of fixed size.
    pub(super) stride: usize,
    /// The baskets in the order of their entries, without gaps.
    pub(super) baskets: Vec<Basket>,
    pub(super) total_bytes: u64,
}

impl Branch {
    /// The name under which the branch is read.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The title, which ROOT shows beside the name, often with a unit: `x [mm]`, `energy/D`.
    pub fn title(&self) -> &str {
        &self.storage.title
    }

    /// The type of the values, and how many an entry has.
    pub fn kind(&self) -> &BranchKind {
        &self.stored.kind
    }

    /// The fixed dimensions of an entry, whose values come one after the other in a
    /// [`Column`](super::Column): 20 of `x[20]/F`, 4 and 5 of `x[4][5]/F`, 2 of `x[n][2]/F`, none of `x/F`,
    /// `x[n]/F` and of vectors.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The name of the branch that holds the number of values of each entry: `n` of `x[n]/F`.
    pub fn counter(&self) -> Option<&str> {
        self.counter.as_deref()
    }

    /// Number of entries that the branch has, 0 if it could not be decoded. It differs from
    /// [`Tree::entries`](super::Tree::entries) where a program filled branches one by one or set the number
    /// of entries of the tree.
    pub fn entries(&self) -> u64 {
        self.storage.entries
    }

    /// Number of decompressed bytes of all entries, as the program that wrote the file counted them.
    pub fn total_bytes(&self) -> u64 {
        self.storage.total_bytes
    }
}
