use super::*;

fn values(entries: usize, each: u32, data: &[u8]) -> Values {
    Values { entries, each, data: data.to_vec(), starts: Vec::new() }
}

#[test]
fn entries_of_one_size_need_no_offsets() {
    let mut texts = values(3, 3, b"\x02ab\x02cd\x02ef");
    assert!(texts.changing(0..3).is_err());
    texts.start_equally();
    assert_eq!(texts.changing(1..3).unwrap().collect::<Vec<_>>(), [b"\x02cd", b"\x02ef"]);
    // Sizes that are not those of the data say nothing.
    for (entries, each) in [(3, 4), (usize::MAX, 3), (usize::MAX, 0)] {
        let mut other = values(entries, each, b"\x02ab\x02cd\x02ef");
        other.start_equally();
        assert!(other.starts.is_empty());
    }
    let mut none = values(1 << 31, 0, b"");
    none.start_equally();
    assert!(none.starts.is_empty());
}

#[test]
fn counts_must_ask_for_the_bytes_that_are_there() {
    let mut values = values(2, 0, &[0; 12]);
    assert!(values.start_after([8, 8].into_iter()).is_err());
    assert!(values.start_after([12].into_iter()).is_err());
    assert!(values.start_after([u64::MAX, u64::MAX].into_iter()).is_err());
    values.start_after([8, 4].into_iter()).unwrap();
    assert_eq!(values.starts, [0, 8, 12]);
}
