//! Apache Parquet: columns of numbers and of lists of numbers, where the program was built with the feature
//! `parquet`.

#[cfg(feature = "parquet")]
mod headers;
#[cfg(feature = "parquet")]
mod levels;
#[cfg(feature = "parquet")]
mod table;
#[cfg(feature = "parquet")]
mod write;

#[cfg(feature = "parquet")]
pub(crate) use table::open;
#[cfg(feature = "parquet")]
pub(crate) use write::ParquetWriter;

/// Opens a Parquet file.
///
/// # Errors
/// If the program was built without Parquet.
#[cfg(not(feature = "parquet"))]
pub(crate) fn open(path: &std::path::Path) -> crate::Result<Box<dyn crate::columns::Table>> {
    Err(crate::Error::Unsuited {
        file: path.into(),
        what: "is a Parquet file, which this program was built without\n  hint: build it with the feature `parquet` (cargo build --release --features parquet), or convert the file: for columns x, z, t with a list an avalanche, `a = awkward.from_parquet(file)`, then `numpy.savez(\"a.npz\", offsets=numpy.append(0, numpy.cumsum(awkward.num(a.x))), **{n: awkward.flatten(a[n]) for n in \"xzt\"})`"
            .into(),
    })
}

#[cfg(test)]
mod tests;
