//! Reading the columns of a table by their names, whatever the table is.

use townsend_root::RootFile;

use crate::columns::{ColumnKind, ColumnValues, Table};
use crate::error::{Result, content};
use crate::npz::{Arrays, NpzTable};
use crate::text::TextTable;
use crate::{Columns, Format, Source, parquet, root};

/// A column with one number in each row, or with a list of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberColumn {
    /// Its name.
    pub name: String,
    /// A text that may name the unit, such as `x0 [mm]`; empty without one.
    pub title: String,
    /// Where each row begins in the numbers, and where the last one ends; `None` if each row has one.
    pub offsets: Option<Vec<u64>>,
    /// Its numbers; integers beyond 2⁵³ are rounded.
    pub values: Vec<f64>,
}

/// The columns of numbers of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct NumberTable {
    /// What it is, for users: "ROOT tree hits".
    pub description: String,
    /// Number of rows.
    pub rows: u64,
    /// Columns of numbers, or of lists of numbers, whose names were wanted.
    pub columns: Vec<NumberColumn>,
    /// The names of all others.
    pub others: Vec<String>,
}

/// Reads the columns of numbers with wanted names: branches of a tree, fields of an RNTuple, arrays of an
/// npz, columns of a text or of a Parquet file. Of several trees it is the one that the source names, or the
/// first of those with most wanted names.
///
/// # Errors
/// If the file cannot be read or is damaged, or there is no such tree.
pub fn read_number_table(source: &Source, wanted: impl Fn(&str) -> bool) -> Result<NumberTable> {
    let path = &*source.path;
    let read = |table: &dyn Table| {
        let mut read = NumberTable {
            description: table.describe(),
            rows: table.rows(),
            columns: Vec::new(),
            others: Vec::new(),
        };
        for (index, header) in table.headers().iter().enumerate() {
            if matches!(header.kind, ColumnKind::Other(_)) || !wanted(&header.name) {
                read.others.push(header.name.clone());
                continue;
            }
            let ColumnValues { offsets, values } = table.read(index)?;
            read.columns.push(NumberColumn {
                name: header.name.clone(),
                title: header.title.clone(),
                offsets,
                values: values.to_f64(),
            });
        }
        Ok(read)
    };
    match Format::of_contents(path)? {
        Format::Npz => {
            let units = [const { String::new() }; 3];
            read(&NpzTable::new(path, Arrays::open(path)?, &units, &Columns::default())?)
        }
        Format::Root | Format::RNTuple => {
            let file = RootFile::open(path)?;
            let table = root::with_most(path, &file, source.tree.as_deref(), wanted_of(&wanted))?;
            let table = table.ok_or_else(|| content(path, "ROOT file", "holds no tree and no RNTuple"))?;
            read(&*table)
        }
        Format::Text => read(&TextTable::open(path)?),
        Format::Parquet => read(&*parquet::open(path)?),
    }
}

/// How many columns of a table are wanted.
fn wanted_of(wanted: &impl Fn(&str) -> bool) -> impl Fn(&dyn Table) -> usize {
    move |table| table.headers().iter().filter(|header| wanted(&header.name)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources;

    fn of(bytes: &[u8]) -> Result<NumberTable> {
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        std::fs::write(&path, bytes).unwrap();
        let [source] = &sources(&[path.to_path_buf()]).unwrap()[..] else { panic!("one source") };
        read_number_table(source, |name| name != "pdg")
    }

    #[test]
    fn columns_of_words_are_left_aside() {
        let table = of(b"event,x0 [cm],pdg,hits\n0,1.5,13,X0:1 V0:2\n1,-2,13,V0:9\n").unwrap();
        let [event, x] = &table.columns[..] else { panic!("{table:?}") };
        assert_eq!((event.name.as_str(), &event.values[..]), ("event", &[0.0, 1.0][..]));
        assert_eq!((x.name.as_str(), x.title.as_str(), &x.values[..]), ("x0", "x0 [cm]", &[1.5, -2.0][..]));
        assert_eq!(table.others, ["pdg", "hits"]);
        // Without a header, or where numbers stood before, words are a mistake.
        assert!(of(b"0,1.5,X0\n").unwrap_err().to_string().contains("holds `X0`"));
        assert!(of(b"event,x0\n0,1.5\n1,X0\n").unwrap_err().to_string().contains("holds `X0`"));
    }
}
