//! Tables as Parquet files: numbers, packed with Zstandard.

use std::fs::File;
use std::io;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{FloatType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::table::{Cell, ColumnType, TableColumn};

/// Rows that are in memory and are written together.
const GROUP: usize = 1 << 16;

/// A Parquet file under construction.
pub(crate) struct ParquetWriter {
    file: SerializedFileWriter<File>,
    columns: Vec<Values>,
}

/// The values of a column that are not written yet; unsigned numbers as the bits that they are.
enum Values {
    U64(Vec<i64>),
    U32(Vec<i32>),
    F32(Vec<f32>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::U64(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::F32(values) => values.len(),
        }
    }
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}

impl ParquetWriter {
    /// Begins a file; `meta` is kept under `townsend`.
    pub(crate) fn new(file: File, name: &str, columns: &[TableColumn], meta: &str) -> io::Result<Self> {
        let field = |column: &TableColumn| match column.kind {
            ColumnType::U64 => format!("required int64 {} (INTEGER(64,false));", column.name),
            ColumnType::U32 => format!("required int32 {} (INTEGER(32,false));", column.name),
            ColumnType::F32 => format!("required float {};", column.name),
        };
        let fields: Vec<String> = columns.iter().map(field).collect();
        let schema =
            parse_message_type(&format!("message {name} {{ {} }}", fields.join(" "))).map_err(failed)?;
        let note = KeyValue::new("townsend".into(), meta.to_owned());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_key_value_metadata(Some(vec![note]))
            .build();
        let file = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).map_err(failed)?;
        let empty = |column: &TableColumn| match column.kind {
            ColumnType::U64 => Values::U64(Vec::new()),
            ColumnType::U32 => Values::U32(Vec::new()),
            ColumnType::F32 => Values::F32(Vec::new()),
        };
        Ok(Self { file, columns: columns.iter().map(empty).collect() })
    }

    /// Adds a row, whose cells are those of the columns.
    pub(crate) fn push(&mut self, row: &[Cell]) -> io::Result<()> {
        for (column, cell) in self.columns.iter_mut().zip(row) {
            match (column, *cell) {
                (Values::U64(values), Cell::U64(value)) => values.push(value.cast_signed()),
                (Values::U32(values), Cell::U32(value)) => values.push(value.cast_signed()),
                (Values::F32(values), Cell::F32(value)) => values.push(value),
                _ => return Err(io::Error::other("cells of another type than their column")),
            }
        }
        if self.columns.first().is_some_and(|column| column.len() >= GROUP) { self.write() } else { Ok(()) }
    }

    /// Writes the rows in memory.
    fn write(&mut self) -> io::Result<()> {
        let mut group = self.file.next_row_group().map_err(failed)?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column().map_err(failed)? else { break };
            match column {
                Values::U64(values) => {
                    writer.typed::<Int64Type>().write_batch(values, None, None).map_err(failed)?;
                    values.clear();
                }
                Values::U32(values) => {
                    writer.typed::<Int32Type>().write_batch(values, None, None).map_err(failed)?;
                    values.clear();
                }
                Values::F32(values) => {
                    writer.typed::<FloatType>().write_batch(values, None, None).map_err(failed)?;
                    values.clear();
                }
            }
            writer.close().map_err(failed)?;
        }
        group.close().map(|_| ()).map_err(failed)
    }

    /// Writes what is left, and how the file is to be read.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        if self.columns.first().is_some_and(|column| column.len() > 0) {
            self.write()?;
        }
        self.file.close().map(|_| ()).map_err(failed)
    }
}
