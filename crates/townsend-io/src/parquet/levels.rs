//! Where rows begin in a column, from the levels that Parquet stores beside its values.

use parquet::basic::Repetition;
use parquet::schema::types::{ColumnDescriptor, Type};

/// What the levels of a column mean.
///
/// The repetition level is 0 where a row begins. The definition level counts how many of the optional and
/// repeated nodes on the way to a value are there: all of them if there is a value, those before the list if
/// the list is empty, and otherwise something is null.
#[derive(Debug)]
pub(super) struct Levels {
    /// Nodes on the way, without those that only make a list: `electrons.x`.
    pub(super) name: String,
    pub(super) is_list: bool,
    defined: i16,
    /// The definition level of an empty list.
    empty: i16,
}

impl Levels {
    pub(super) fn of(column: &ColumnDescriptor, root: &Type) -> Self {
        let path = column.path().parts();
        let (mut level, mut empty) = (0, 0);
        let mut names = Vec::new();
        let mut node = root;
        let mut in_list = false;
        for depth in 0..path.len() {
            let info = node.get_basic_info();
            let repetition = if info.has_repetition() { info.repetition() } else { Repetition::REQUIRED };
            let repeated = repetition == Repetition::REPEATED;
            if repeated {
                empty = level;
            }
            level += i16::from(repetition != Repetition::REQUIRED);
            // The group that repeats, and the element within it, are named by the writer.
            if depth == 0 || !(repeated || in_list) {
                names.push(node.name());
            }
            in_list = repeated && depth > 0;
            let next = path.get(depth + 1).filter(|_| node.is_group());
            let next = next.and_then(|name| node.get_fields().iter().find(|field| field.name() == name));
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        let is_list = column.max_rep_level() > 0;
        Self { name: names.join("."), is_list, defined: column.max_def_level(), empty }
    }

    /// Adds where rows begin to `offsets`, where `count` values came before.
    ///
    /// # Errors
    /// The number of the row, among these, that holds a null.
    pub(super) fn rows(
        &self,
        definitions: &[i16],
        repetitions: &[i16],
        count: &mut u64,
        offsets: &mut Vec<u64>,
    ) -> Result<(), u64> {
        for (k, &definition) in definitions.iter().enumerate() {
            if self.is_list && repetitions.get(k) == Some(&0) {
                offsets.push(*count);
            }
            if definition == self.defined {
                *count += 1;
            } else if !(self.is_list && definition == self.empty) {
                return Err(if self.is_list { offsets.len().saturating_sub(1) as u64 } else { *count });
            }
        }
        Ok(())
    }
}
