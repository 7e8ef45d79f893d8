//! Where avalanches begin in a table of one row an electron, from the numbers that its rows have.

/// A jump of the number by more than this is the beginning of another series, not a row of empty avalanches:
/// even with nine of ten avalanches empty, a thousand empty ones one after the other have a chance of 1e-46.
const LONGEST_GAP: i64 = 1000;
/// More avalanches than a million and a hundred for each row are taken for a mistake: each takes memory.
const MOST_EMPTY: (usize, usize) = (1_000_000, 100);

/// Divides rows into avalanches by their numbers, some rows at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Numbering {
    /// Where avalanches begin in the rows so far. Those that are dealt with may be taken out.
    pub(crate) offsets: Vec<u64>,
    /// What the numbers showed.
    pub(crate) told: Told,
    /// Rows so far.
    rows: usize,
    /// The numbers of the row before: of its avalanche, and of what goes before that.
    before: Option<(i64, Vec<i64>)>,
    lowest_start: i64,
}

/// What the numbers of avalanches showed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The first number.
    pub(crate) first: i64,
    /// Avalanches, those without rows included.
    pub(crate) avalanches: usize,
    /// Numbers without a row between others, which are empty avalanches.
    pub(crate) empty: usize,
    /// How often the number went back, which begins another file.
    pub(crate) restarts: usize,
    /// How often the number went on by more than [`LONGEST_GAP`].
    pub(crate) jumps: usize,
}

/// Why rows cannot be divided into avalanches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotNumbered {
    /// Rows of an avalanche are not together.
    #[error(
        "row {row} has the number {number} after {before}: the rows are not in the order of the avalanches; sort them by this column"
    )]
    NotSorted { row: usize, number: i64, before: i64 },
    /// The number goes back nearly as often as there are rows.
    #[error(
        "the number goes back {restarts} times in {rows} rows; sort the rows by this column, or name it if it is another one"
    )]
    Mixed { restarts: usize, rows: usize },
    /// There would be more empty avalanches than memory.
    #[error(
        "its numbers leave out {0} avalanches, far more than there are electrons; name the column of the number if it is another one"
    )]
    Gaps(usize),
}

impl Numbering {
    /// Goes on with more rows. `number` has one number a row; `series` has those of columns that go before
    /// it, such as the run: a change of one of them begins another series. All are as long.
    pub(crate) fn extend(&mut self, number: &[i64], series: &[Vec<i64>]) -> Result<(), NotNumbered> {
        let most_empty = MOST_EMPTY.0 + MOST_EMPTY.1 * (self.rows + number.len());
        let of_row = |place: usize| series.iter().map(|column| column[place]).collect::<Vec<_>>();
        for (place, &now) in number.iter().enumerate() {
            let row = self.rows + place;
            let (before, other_series) = if let Some(last) = place.checked_sub(1) {
                (number[last], series.iter().any(|column| column[place] != column[last]))
            } else if let Some((before, of_series)) = &self.before {
                (*before, *of_series != of_row(place))
            } else {
                (self.told.first, self.lowest_start) = (now, now);
                self.begin(row);
                continue;
            };
            let gap = now.checked_sub(before).unwrap_or(i64::MAX);
            if gap == 0 && !other_series {
                continue;
            }
            self.begin(row);
            if other_series {
                self.lowest_start = self.lowest_start.min(now);
            } else if gap < 0 {
                // A file begins with one of its first avalanches; going back by less is a row in the wrong
                // place.
                if now > self.lowest_start.saturating_add(LONGEST_GAP) {
                    return Err(NotNumbered::NotSorted { row, number: now, before });
                }
                self.lowest_start = self.lowest_start.min(now);
                self.told.restarts += 1;
            } else if gap > LONGEST_GAP {
                self.told.jumps += 1;
            } else {
                self.told.empty += gap as usize - 1;
                if self.told.empty > most_empty {
                    return Err(NotNumbered::Gaps(self.told.empty));
                }
                (1..gap).for_each(|_| self.begin(row));
            }
        }
        self.rows += number.len();
        if let Some(last) = number.len().checked_sub(1) {
            self.before = Some((number[last], of_row(last)));
        }
        Ok(())
    }

    fn begin(&mut self, row: usize) {
        self.offsets.push(row as u64);
        self.told.avalanches += 1;
    }

    /// Ends the last avalanche.
    pub(crate) fn finish(&mut self) -> Result<(), NotNumbered> {
        self.offsets.push(self.rows as u64);
        if self.told.restarts * 3 > self.rows {
            return Err(NotNumbered::Mixed { restarts: self.told.restarts, rows: self.rows });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Divides rows, two at a time and all at once.
    fn number(numbers: &[i64], series: &[Vec<i64>]) -> Result<Numbering, NotNumbered> {
        let (mut in_parts, mut whole) = (Numbering::default(), Numbering::default());
        whole.extend(numbers, series)?;
        whole.finish()?;
        for start in (0..numbers.len()).step_by(2) {
            let rows = start..(start + 2).min(numbers.len());
            let series: Vec<Vec<i64>> = series.iter().map(|column| column[rows.clone()].to_vec()).collect();
            in_parts.extend(&numbers[rows], &series)?;
        }
        in_parts.finish()?;
        assert_eq!((&in_parts.offsets, in_parts.told), (&whole.offsets, whole.told));
        assert_eq!(whole.told.avalanches, whole.offsets.len() - 1);
        Ok(whole)
    }

    fn sizes(numbers: &[i64], series: &[Vec<i64>]) -> Vec<u64> {
        let found = number(numbers, series).unwrap();
        found.offsets.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    #[test]
    fn avalanches_begin_where_the_number_changes_and_from_any_first_number() {
        for first in [0, 1, 100_000, -7] {
            let numbers: Vec<i64> = [0, 0, 1, 3, 3, 3].iter().map(|n| n + first).collect();
            assert_eq!(sizes(&numbers, &[]), [2, 1, 0, 3]);
        }
        assert_eq!(number(&[], &[]).unwrap().offsets, [0]);
    }

    #[test]
    fn a_number_that_goes_back_begins_another_file() {
        let found = number(&[0, 0, 1, 2, 0, 1, 1, 2, 1, 2], &[]).unwrap();
        assert_eq!((found.told.restarts, found.offsets.len()), (2, 9));
        assert_eq!(sizes(&[0, 0, 1, 2, 0, 1, 1, 2, 1, 2], &[]), [2, 1, 1, 1, 2, 1, 1, 1]);
    }

    #[test]
    fn a_run_that_changes_begins_another_series() {
        let (runs, events) = (vec![1, 1, 1, 2, 2], [3, 3, 4, 4, 9]);
        assert_eq!(sizes(&events, &[runs]), [2, 1, 1, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_large_jump_is_no_row_of_empty_avalanches() {
        let found = number(&[1_000_001, 1_000_002, 2_000_001], &[]).unwrap();
        assert_eq!((found.told.jumps, found.told.empty, found.offsets), (1, 0, vec![0, 1, 2, 3]));
        assert_eq!(number(&[i64::MIN, i64::MAX], &[]).unwrap().told.jumps, 1);
    }

    /// The last number that counts as the one, and the first that counts as the other.
    #[test]
    fn limits_are_where_they_are_said_to_be() {
        let found = number(&[0, 1000], &[]).unwrap();
        assert_eq!((found.told.jumps, found.told.empty, found.offsets.len()), (0, 999, 1002));
        assert_eq!(number(&[0, 1001], &[]).unwrap().told.jumps, 1);
        assert_eq!(number(&[0, 5000, 1000], &[]).unwrap().told.restarts, 1);
        assert!(matches!(number(&[0, 5000, 1001], &[]), Err(NotNumbered::NotSorted { .. })));
        assert_eq!(number(&[0, 1, 0, 1, 0, 1], &[]).unwrap().told.restarts, 2, "a third of the rows");
        // 1,200 rows may leave out 1,120,000 avalanches: 999 before each of 1,121, and 121 more.
        let leaves_out = |last: i64| {
            let mut rows: Vec<i64> = (0..1122).map(|n| 1000 * n).collect();
            rows.push(1_121_000 + last + 1);
            rows.extend((1..=77).map(|n| 1_121_001 + last + n));
            let mut numbering = Numbering::default();
            numbering.extend(&rows, &[]).map(|()| numbering.told.empty)
        };
        assert_eq!(leaves_out(121), Ok(1_120_000));
        assert_eq!(leaves_out(122), Err(NotNumbered::Gaps(1_120_001)));
    }

    #[test]
    fn rows_out_of_order_are_refused() {
        let early = number(&[0, 5000, 4000], &[]);
        assert_eq!(early.unwrap_err(), NotNumbered::NotSorted { row: 2, number: 4000, before: 5000 });
        let mixed = number(&[0, 1, 0, 1, 0, 1, 0, 1], &[]);
        assert_eq!(mixed.unwrap_err(), NotNumbered::Mixed { restarts: 3, rows: 8 });
        let gaps: Vec<i64> = (0..20_000).map(|n| n * 900).collect();
        assert!(matches!(number(&gaps, &[]), Err(NotNumbered::Gaps(_))));
    }
}
