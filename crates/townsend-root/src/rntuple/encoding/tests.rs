use super::*;

fn decoded(encoding: Encoding, bytes: &[u8], values: usize, mut into: Values) -> Values {
    assert_eq!(encoding.length(values as u32), bytes.len() as u64);
    PageBytes { bytes, values }.decode(encoding, 0..values, &mut into);
    into
}

#[test]
fn halves_have_the_values_of_the_standard() {
    let known = [
        (0x0000, 0.0),
        (0x8000, -0.0),
        (0x0001, 2_f32.powi(-24)),
        (0x83ff, -1023.0 * 2_f32.powi(-24)),
        (0x0400, 2_f32.powi(-14)),
        (0x3555, 0.333_251_95),
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65504.0),
        (0x7c00, f32::INFINITY),
        (0xfc00, f32::NEG_INFINITY),
    ];
    for (half, number) in known {
        assert_eq!(half_to_f32(half).to_bits(), number.to_bits(), "{half:#06x}");
    }
    assert!(half_to_f32(0x7e00).is_nan() && half_to_f32(0xfc01).is_nan());
}

#[test]
fn zigzag_goes_from_zero_to_both_sides() {
    let stored = [0_u16, 1, 2, 3, 4, 0xfffe, 0xffff];
    let numbers = stored.map(|stored| zigzag_i16(stored.to_le_bytes()));
    assert_eq!(numbers, [0, -1, 1, -2, 2, i16::MAX, i16::MIN]);
    assert_eq!(zigzag_i32(u32::MAX.to_le_bytes()), i32::MIN);
    assert_eq!(zigzag_i64((u64::MAX - 1).to_le_bytes()), i64::MAX);
}

#[test]
fn split_pages_are_put_together() {
    let encoding = Encoding::Integer { element: ElementType::U32, split: true };
    let page = [1, 2, 3, 0x10, 0x20, 0x30, 0, 0, 0, 0x80, 0, 0];
    let values = decoded(encoding, &page, 3, Values::U32(vec![9]));
    assert_eq!(values, Values::U32(vec![9, 0x8000_1001, 0x2002, 0x3003]));
    let mut part = Values::U32(Vec::new());
    PageBytes { bytes: &page, values: 3 }.decode(encoding, 1..2, &mut part);
    assert_eq!(part, Values::U32(vec![0x2002]));
}

#[test]
fn packed_numbers_follow_each_other_without_gaps() {
    let encoding = Encoding::Quantized { bits: 3, min: -7.0, max: 7.0 };
    // 1, 2, 7, 0, 5 from the lowest bit on.
    let page = [0b1101_0001, 0b0101_0001];
    let values = decoded(encoding, &page, 5, Values::F64(Vec::new()));
    assert_eq!(values, Values::F64(vec![-5.0, -3.0, 7.0, -7.0, 3.0]));
    let encoding = Encoding::Truncated { bits: 10 };
    let one = 1_f32.to_bits() >> 22;
    let page = (u64::from(one) | u64::from(one | 1 << 9) << 10).to_le_bytes();
    assert_eq!(decoded(encoding, &page[..3], 2, Values::F32(Vec::new())), Values::F32(vec![1.0, -1.0]));
}

#[test]
fn ends_are_summed_within_a_page() {
    let mut ends = vec![7];
    let page = PageBytes { bytes: &[2, 0, 3, 0, 0, 0, 0, 0, 1, 0, 0, 0], values: 3 };
    page.decode_ends(false, true, &mut ends);
    assert_eq!(ends, [2, 2, 5 + (1 << 16)]);
    PageBytes { bytes: &[4, 0, 0, 0], values: 1 }.decode_ends(false, false, &mut ends);
    assert_eq!(ends, [4]);
}

#[test]
fn what_is_encoded_is_decoded() {
    let integers = |element| [true, false].map(|split| Encoding::Integer { element, split });
    let numbers: Vec<u8> = (0..16_u64 * 3).map(|i| i.wrapping_mul(0x9e37_79b9) as u8).collect();
    let mut page = Vec::new();
    for encoding in [ElementType::I32, ElementType::U32, ElementType::I64].map(integers).concat() {
        encoding.encode(&numbers, &mut page);
        let (element, values) = (encoding.element().unwrap(), numbers.len() as u64 * 8 / encoding.bits());
        let found = decoded(encoding, &page, values as usize, Values::new(element));
        let wanted = decoded(integers(element)[1], &numbers, values as usize, Values::new(element));
        assert_eq!(found, wanted, "{encoding:?}");
    }
    for split in [true, false] {
        let encoding = Encoding::Ends { wide: true, split };
        let ends = [3_u64, 3, 500, 1 << 40];
        encoding.encode(&ends.map(u64::to_le_bytes).concat(), &mut page);
        let mut found = Vec::new();
        PageBytes { bytes: &page, values: 4 }.decode_ends(true, split, &mut found);
        assert_eq!(found, ends);
    }
}

#[test]
fn codes_are_read_back() {
    for code in (0x00..0x1c).filter(|code| ![0x01, 0x02, 0x10].contains(code)) {
        let mut bits = [1, 8, 16, 32, 64].into_iter();
        let encoding = bits.find_map(|bits| Encoding::from_code(code, bits, (0.0, 0.0)).ok()?.ok());
        assert_eq!(encoding.unwrap().code(), code);
    }
}

#[test]
fn a_column_with_the_wrong_number_of_bits_is_damaged() {
    assert!(Encoding::from_code(0x0c, 16, (0.0, 0.0)).is_err());
    assert!(Encoding::from_code(0x1c, 9, (0.0, 0.0)).is_err());
    assert_eq!(Encoding::from_code(0x99, 3, (0.0, 0.0)).unwrap(), Err(0x99));
}
