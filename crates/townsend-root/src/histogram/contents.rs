//! The contents of the cells of a histogram, dense or sparse.

/// The type of the cells, given by the last letter of the class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CellType {
    /// `char`: −127 to 127.
    C,
    /// `short`: −32767 to 32767.
    S,
    /// `int`.
    I,
    /// `long long`.
    L,
    /// `float`.
    #[default]
    F,
    /// `double`.
    D,
}

impl CellType {
    /// Bytes per cell.
    pub fn size(self) -> usize {
        match self {
            Self::C => 1,
            Self::S => 2,
            Self::I | Self::F => 4,
            Self::L | Self::D => 8,
        }
    }
}

/// The cells of a histogram, underflow and overflow included, x fastest.
#[derive(Clone, Debug, PartialEq)]
pub enum Contents {
    /// `TH?C`
    C(Vec<i8>),
    /// `TH?S`
    S(Vec<i16>),
    /// `TH?I`
    I(Vec<i32>),
    /// `TH?L`
    L(Vec<i64>),
    /// `TH?F`
    F(Vec<f32>),
    /// `TH?D`
    D(Vec<f64>),
}

/// The cells of a histogram that are not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseContents {
    /// The type of the cells in the file.
    pub cell_type: CellType,
    /// Number of all cells, underflow and overflow included.
    pub cells: usize,
    /// The numbers of the cells that are not zero, in growing order.
    pub indices: Vec<u32>,
    /// The contents of these cells. Integers beyond 2⁵³ are rounded.
    pub values: Vec<f64>,
}

/// A Rust type for the contents of a cell.
trait Cell: Copy + PartialEq {
    fn from_stored(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self>;
    fn to_f64(self) -> f64;
}

macro_rules! cell {
    ($type:ty, $to_f64:expr) => {
        impl Cell for $type {
            fn from_stored(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self> {
                let (cells, _) = bytes.as_chunks();
                cells.iter().map(|cell| <$type>::from_be_bytes(*cell))
            }

            fn to_f64(self) -> f64 {
                $to_f64(self)
            }
        }
    };
}

cell!(i8, f64::from);
cell!(i16, f64::from);
cell!(i32, f64::from);
cell!(i64, |value| value as f64);
cell!(f32, f64::from);
cell!(f64, |value| value);

/// Evaluates the same expression for the vector of any variant.
macro_rules! each {
    ($contents:expr, $cells:ident => $result:expr) => {
        match $contents {
            Contents::C($cells) => $result,
            Contents::S($cells) => $result,
            Contents::I($cells) => $result,
            Contents::L($cells) => $result,
            Contents::F($cells) => $result,
            Contents::D($cells) => $result,
        }
    };
}

impl Default for Contents {
    fn default() -> Self {
        Self::F(Vec::new())
    }
}

impl Contents {
    /// Contents of the given number of cells, all zero.
    pub fn zeros(cell_type: CellType, cells: usize) -> Self {
        match cell_type {
            CellType::C => Self::C(vec![0; cells]),
            CellType::S => Self::S(vec![0; cells]),
            CellType::I => Self::I(vec![0; cells]),
            CellType::L => Self::L(vec![0; cells]),
            CellType::F => Self::F(vec![0.0; cells]),
            CellType::D => Self::D(vec![0.0; cells]),
        }
    }

    /// The type of the cells.
    pub fn cell_type(&self) -> CellType {
        match self {
            Self::C(_) => CellType::C,
            Self::S(_) => CellType::S,
            Self::I(_) => CellType::I,
            Self::L(_) => CellType::L,
            Self::F(_) => CellType::F,
            Self::D(_) => CellType::D,
        }
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        each!(self, cells => cells.len())
    }

    /// True if there are no cells at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The contents of a cell, or `None` beyond the last cell. Integers beyond 2⁵³ are rounded.
    pub fn get(&self, index: usize) -> Option<f64> {
        each!(self, cells => cells.get(index).map(|cell| cell.to_f64()))
    }

    /// The contents of all cells, in order.
    pub fn iter_f64(&self) -> impl ExactSizeIterator<Item = f64> + '_ {
        (0..self.len()).map(|index| each!(self, cells => cells[index].to_f64()))
    }

    /// The cells that are not zero, with their indices, in order.
    pub fn nonzero(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.iter_f64().enumerate().filter(|&(_, value)| value != 0.0)
    }

    /// The sum over all cells, underflow and overflow included.
    pub fn sum(&self) -> f64 {
        each!(self, cells => cells.iter().map(|cell| cell.to_f64()).sum())
    }
}

impl SparseContents {
    /// The cells that are not zero, with their indices, in order.
    pub fn nonzero(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.indices.iter().zip(&self.values).map(|(&index, &value)| (index as usize, value))
    }

    /// The sum over all cells, underflow and overflow included.
    pub fn sum(&self) -> f64 {
        self.values.iter().sum()
    }
}

/// A way to hold the cells of a [`Histogram`](crate::Histogram): [`Contents`] or [`SparseContents`].
pub trait Cells: StoredCells {}

impl Cells for Contents {}
impl Cells for SparseContents {}

/// Conversion of cells from and to the bytes of a file. The trait cannot be named outside of this crate, so
/// that there are no other ways to hold cells than these two.
pub trait StoredCells {
    /// Replaces the contents by the big-endian cells in `bytes`, whose length is a multiple of the cell's
    /// size.
    fn load(&mut self, cell_type: CellType, bytes: &[u8]);
    /// Type and number of cells.
    ///
    /// # Errors
    /// The reason why the cells cannot be written.
    fn describe(&self) -> Result<(CellType, usize), String>;
    /// Appends the bytes of all cells.
    fn store(&self, bytes: &mut Vec<u8>);
}

impl StoredCells for Contents {
    fn load(&mut self, cell_type: CellType, bytes: &[u8]) {
        if self.cell_type() != cell_type {
            *self = Self::zeros(cell_type, 0);
        }
        each!(self, cells => replace(cells, bytes));
    }

    fn describe(&self) -> Result<(CellType, usize), String> {
        Ok((self.cell_type(), self.len()))
    }

    fn store(&self, bytes: &mut Vec<u8>) {
        each!(self, cells => {
            bytes.reserve(size_of_val(cells.as_slice()));
            bytes.extend(cells.iter().flat_map(|cell| cell.to_be_bytes()));
        });
    }
}

fn replace<T: Cell>(cells: &mut Vec<T>, bytes: &[u8]) {
    cells.clear();
    cells.extend(T::from_stored(bytes));
}

/// Number of bytes that are compared with zero at a time; a multiple of every cell's size.
const STEP: usize = 64;

impl StoredCells for SparseContents {
    fn load(&mut self, cell_type: CellType, bytes: &[u8]) {
        (self.cell_type, self.cells) = (cell_type, bytes.len() / cell_type.size());
        self.indices.clear();
        self.values.clear();
        match cell_type {
            CellType::C => self.load_cells::<i8>(bytes),
            CellType::S => self.load_cells::<i16>(bytes),
            CellType::I => self.load_cells::<i32>(bytes),
            CellType::L => self.load_cells::<i64>(bytes),
            CellType::F => self.load_cells::<f32>(bytes),
            CellType::D => self.load_cells::<f64>(bytes),
        }
    }

    fn describe(&self) -> Result<(CellType, usize), String> {
        let growing = self.indices.is_sorted_by(|a, b| a < b);
        let inside = self.indices.last().is_none_or(|&last| (last as usize) < self.cells);
        if !growing || !inside || self.indices.len() != self.values.len() {
            return Err(
                "its sparse cells are not in growing order, or not as many as their values".to_owned()
            );
        }
        Ok((self.cell_type, self.cells))
    }

    fn store(&self, bytes: &mut Vec<u8>) {
        let (start, size) = (bytes.len(), self.cell_type.size());
        bytes.resize(start + self.cells * size, 0);
        let cells = &mut bytes[start..];
        for (index, value) in self.nonzero() {
            let cell = &mut cells[index * size..(index + 1) * size];
            match self.cell_type {
                CellType::C => cell.copy_from_slice(&(value as i8).to_be_bytes()),
                CellType::S => cell.copy_from_slice(&(value as i16).to_be_bytes()),
                CellType::I => cell.copy_from_slice(&(value as i32).to_be_bytes()),
                CellType::L => cell.copy_from_slice(&(value as i64).to_be_bytes()),
                CellType::F => cell.copy_from_slice(&(value as f32).to_be_bytes()),
                CellType::D => cell.copy_from_slice(&value.to_be_bytes()),
            }
        }
    }
}

impl SparseContents {
    fn load_cells<T: Cell>(&mut self, bytes: &[u8]) {
        let (steps, rest) = bytes.as_chunks::<STEP>();
        for (number, step) in steps.iter().enumerate() {
            if step.iter().fold(0, |bits, byte| bits | byte) != 0 {
                self.load_step::<T>(step, number * STEP);
            }
        }
        self.load_step::<T>(rest, steps.len() * STEP);
    }

    fn load_step<T: Cell>(&mut self, step: &[u8], start: usize) {
        for (index, cell) in T::from_stored(step).enumerate() {
            let value = cell.to_f64();
            if value != 0.0 {
                self.indices.push((start / size_of::<T>() + index) as u32);
                self.values.push(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 70 cells with something in cells 0, 17 and 69.
    fn filled(cell_type: CellType) -> SparseContents {
        SparseContents { cell_type, cells: 70, indices: vec![0, 17, 69], values: vec![1.0, -3.0, 100.0] }
    }

    #[test]
    fn sparse_and_dense_cells_of_every_type_have_the_same_bytes() {
        use CellType::{C, D, F, I, L, S};
        for cell_type in [C, S, I, L, F, D] {
            let sparse = filled(cell_type);
            let (mut from_sparse, mut from_dense) = (Vec::new(), Vec::new());
            sparse.store(&mut from_sparse);
            let mut dense = Contents::default();
            dense.load(cell_type, &from_sparse);
            assert_eq!((dense.cell_type(), dense.len(), dense.sum()), (cell_type, 70, 98.0));
            assert!(dense.nonzero().eq(sparse.nonzero()));
            assert_eq!((dense.get(17), dense.get(70)), (Some(-3.0), None));
            dense.store(&mut from_dense);
            assert_eq!(from_dense, from_sparse);
            let mut again = filled(F);
            again.load(cell_type, &from_dense);
            assert_eq!(again, sparse);
        }
    }

    #[test]
    fn sparse_cells_out_of_order_or_range_are_not_written() {
        assert!(filled(CellType::F).describe().is_ok());
        assert!(SparseContents { indices: vec![17, 0, 69], ..filled(CellType::F) }.describe().is_err());
        assert!(SparseContents { cells: 69, ..filled(CellType::F) }.describe().is_err());
        assert!(SparseContents { values: vec![1.0], ..filled(CellType::F) }.describe().is_err());
    }
}
