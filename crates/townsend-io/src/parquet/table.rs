//! The columns of a Parquet file.

use std::cell::Cell;
use std::fs::File;
use std::io::BufReader;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

use parquet::basic::{LogicalType, Type as Physical};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use townsend_root::check_content;

use super::headers;
use super::levels::Levels;
use crate::columns::{ColumnHeader, ColumnKind, ColumnValues, Table, Values};
use crate::error::{Error, Result, content};

/// Values are decoded in batches of as many rows.
const BATCH: usize = 1 << 16;

struct ParquetTable {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    /// Held while a column is read. The library moves the one place of the open file to where it reads, so
    /// that two columns at the same time would read each other's bytes.
    reading: Mutex<()>,
    headers: Vec<ColumnHeader>,
    levels: Vec<Levels>,
    rows: u64,
    /// Bytes of the file.
    size: u64,
}

/// Opens a Parquet file.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Table>> {
    let file = File::open(path).map_err(|source| Error::Read { file: path.into(), source })?;
    let size = file.metadata().map_err(|source| Error::Read { file: path.into(), source })?.len();
    headers::check_header(&mut BufReader::new(&file)).map_err(|error| unreadable(path, "Parquet", &error))?;
    let reader = guarded(path, "Parquet", || SerializedFileReader::new(file))?;
    let meta = reader.metadata().file_metadata();
    let schema = meta.schema_descr();
    let levels: Vec<Levels> = schema
        .columns()
        .iter()
        .enumerate()
        .map(|(k, column)| Levels::of(column, schema.get_column_root(k)))
        .collect();
    let headers =
        schema.columns().iter().zip(&levels).map(|(column, levels)| header(column, levels)).collect();
    let rows = u64::try_from(meta.num_rows()).unwrap_or(0);
    let reading = Mutex::default();
    Ok(Box::new(ParquetTable { path: path.into(), reader, reading, headers, levels, rows, size }))
}

fn header(column: &ColumnDescriptor, levels: &Levels) -> ColumnHeader {
    let kind = match (element(column), column.max_rep_level()) {
        (Err(what), _) => ColumnKind::Other(what),
        (Ok(_), 0) => ColumnKind::Number,
        (Ok(_), 1) => ColumnKind::List,
        (Ok(_), _) => ColumnKind::Other("lists of lists".into()),
    };
    let element = element(column).unwrap_or_else(|what| what);
    let type_name = if levels.is_list { format!("list<{element}>") } else { element };
    // A name with a unit is its own title.
    let title = if levels.name.ends_with([']', ')']) { levels.name.clone() } else { String::new() };
    ColumnHeader { name: levels.name.clone(), kind, type_name, title }
}

/// The type of the numbers, or what the column holds instead.
fn element(column: &ColumnDescriptor) -> std::result::Result<String, String> {
    match (column.physical_type(), column.logical_type_ref()) {
        (Physical::FLOAT, None) => Ok("float".into()),
        (Physical::DOUBLE, None) => Ok("double".into()),
        (Physical::BOOLEAN, None) => Ok("bool".into()),
        (Physical::INT32, None) => Ok("int32".into()),
        (Physical::INT64, None) => Ok("int64".into()),
        (Physical::INT32 | Physical::INT64, Some(LogicalType::Integer(integer))) => {
            Ok(format!("{}int{}", if integer.is_signed { "" } else { "u" }, integer.bit_width))
        }
        (_, Some(LogicalType::String)) => Err("text".into()),
        (physical, Some(logical)) => Err(format!("{physical} as {logical:?}")),
        (physical, None) => Err(physical.to_string()),
    }
}

thread_local! {
    /// Whether this thread is in the library, whose panics become errors.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a function of the library, which is not free of panics where files are damaged. Such a panic prints
/// nothing, since the error says what happened; the other panics of the process print what they did before.
fn guarded<T>(
    path: &Path,
    object: &str,
    read: impl FnOnce() -> std::result::Result<T, ParquetError>,
) -> Result<T> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                others(panic);
            }
        }));
    });
    GUARDED.set(true);
    let result = catch_unwind(AssertUnwindSafe(read));
    GUARDED.set(false);
    match result {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(e)) => {
            let e = e.to_string();
            let hint = if e.contains("codec") || e.contains("Codec") || e.contains("Disabled feature") {
                "write it with compression=\"zstd\", \"snappy\", \"gzip\" or none"
            } else {
                "copy the file again or write it anew"
            };
            Err(content(path, object, format!("cannot be read: {e}\n  hint: {hint}")))
        }
        Err(_) => Err(content(path, object, "is damaged; copy the file again or write it anew")),
    }
}

/// A header that is none.
fn unreadable(path: &Path, object: &str, error: &std::io::Error) -> Error {
    content(path, object, format!("cannot be read: {error}\n  hint: copy the file again or write it anew"))
}

impl ParquetTable {
    /// Reads the values of a column and where its rows begin.
    fn column(&self, index: usize) -> Result<(Vec<u64>, Values)> {
        let mut column = Column { table: self, index, offsets: Vec::new(), count: 0 };
        let is_unsigned = self.headers[index].type_name.contains("uint");
        let schema = self.reader.metadata().file_metadata().schema_descr();
        let values = match schema.column(index).physical_type() {
            Physical::FLOAT => Values::F32(column.values(|r| match r {
                ColumnReader::FloatColumnReader(r) => Some(r),
                _ => None,
            })?),
            Physical::DOUBLE => Values::F64(column.values(|r| match r {
                ColumnReader::DoubleColumnReader(r) => Some(r),
                _ => None,
            })?),
            Physical::BOOLEAN => Values::Bool(column.values(|r| match r {
                ColumnReader::BoolColumnReader(r) => Some(r),
                _ => None,
            })?),
            Physical::INT32 => {
                let values: Vec<i32> = column.values(|r| match r {
                    ColumnReader::Int32ColumnReader(r) => Some(r),
                    _ => None,
                })?;
                if is_unsigned {
                    Values::U32(values.into_iter().map(|value| value as u32).collect())
                } else {
                    Values::I32(values)
                }
            }
            _ => {
                let values: Vec<i64> = column.values(|r| match r {
                    ColumnReader::Int64ColumnReader(r) => Some(r),
                    _ => None,
                })?;
                if is_unsigned {
                    Values::U64(values.into_iter().map(|value| value as u64).collect())
                } else {
                    Values::I64(values)
                }
            }
        };
        column.offsets.push(column.count);
        Ok((column.offsets, values))
    }
}

/// A column that is being read.
struct Column<'t> {
    table: &'t ParquetTable,
    index: usize,
    offsets: Vec<u64>,
    count: u64,
}

impl Column<'_> {
    fn values<T: DataType>(
        &mut self,
        typed: impl Fn(ColumnReader) -> Option<ColumnReaderImpl<T>>,
    ) -> Result<Vec<T::T>> {
        let Self { table, index, .. } = *self;
        let name = &table.headers[index].name;
        let levels = &table.levels[index];
        let refused = |what| content(&table.path, name, what);
        let failed = |source| Error::Read { file: table.path.clone(), source };
        let mut pages = BufReader::new(File::open(&table.path).map_err(failed)?);
        let mut values = Vec::new();
        for group in 0..table.reader.num_row_groups() {
            let (start, length) = guarded(&table.path, name, || {
                Ok(table.reader.metadata().row_group(group).column(index).byte_range())
            })?;
            let largest = headers::largest(&mut pages, start, start.saturating_add(length))
                .map_err(|error| unreadable(&table.path, name, &error))?;
            check_content(largest, table.size).map_err(refused)?;
            let reader =
                guarded(&table.path, name, || table.reader.get_row_group(group)?.get_column_reader(index))?;
            let mut reader = typed(reader)
                .ok_or_else(|| content(&table.path, name, "changes its type; the file is damaged"))?;
            loop {
                let (mut definitions, mut repetitions) = (Vec::new(), Vec::new());
                let (rows, read, found) = guarded(&table.path, name, || {
                    reader.read_records(BATCH, Some(&mut definitions), Some(&mut repetitions), &mut values)
                })?;
                if rows == 0 && found == 0 {
                    break;
                }
                check_content((values.len() * size_of::<T::T>()) as u64, table.size).map_err(refused)?;
                let before = self.count;
                if definitions.is_empty() {
                    self.count += read as u64;
                }
                let added = levels.rows(&definitions, &repetitions, &mut self.count, &mut self.offsets);
                added.map_err(|row| {
                    let what = format!("row {row} holds a null; a number is wanted\n  hint: leave such rows out, or write nan");
                    content(&table.path, name, what)
                })?;
                if self.count - before != read as u64 {
                    return Err(content(
                        &table.path,
                        name,
                        "its levels do not fit its values; the file is damaged",
                    ));
                }
            }
        }
        Ok(values)
    }
}

impl Table for ParquetTable {
    fn describe(&self) -> String {
        "Parquet".into()
    }

    fn headers(&self) -> &[ColumnHeader] {
        &self.headers
    }

    fn rows(&self) -> u64 {
        self.rows
    }

    fn read(&self, index: usize) -> Result<ColumnValues> {
        let ColumnHeader { name, kind, .. } = &self.headers[index];
        if let ColumnKind::Other(what) = kind {
            return Err(content(&self.path, name, format!("holds {what}; numbers are wanted")));
        }
        let _alone = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (offsets, values) = self.column(index)?;
        let is_list = self.levels[index].is_list;
        let rows = if is_list { offsets.len() as u64 - 1 } else { values.len() as u64 };
        if rows != self.rows {
            let what = format!("holds {rows} rows, the file promises {}; the file is damaged", self.rows);
            return Err(content(&self.path, name, what));
        }
        Ok(ColumnValues { offsets: is_list.then_some(offsets), values })
    }
}
