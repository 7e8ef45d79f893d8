//! Checksums of zip archives, made right again after a change, so that damage reaches what reads the members.

/// The first bytes of an entry of the directory of an archive, and of a member.
const ENTRY: &[u8] = b"PK\x01\x02";
const MEMBER: &[u8] = b"PK\x03\x04";

/// Writes the checksums of all members that are stored as they are and lie where the directory says. What is
/// no zip archive stays as it is.
pub fn sign(bytes: &mut [u8]) {
    for at in 0..bytes.len().saturating_sub(46) {
        if bytes[at..].starts_with(ENTRY) {
            // An entry that points outside has no member to sign.
            let _ = sign_member(bytes, at);
        }
    }
}

fn sign_member(bytes: &mut [u8], entry: usize) -> Option<()> {
    let short =
        |bytes: &[u8], at: usize| Some(usize::from(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?)));
    let long = |bytes: &[u8], at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    let (method, length, member) =
        (short(bytes, entry + 10)?, long(bytes, entry + 20)?, long(bytes, entry + 42)?);
    if method != 0 || !bytes.get(member..)?.starts_with(MEMBER) {
        return None;
    }
    let start = member + 30 + short(bytes, member + 26)? + short(bytes, member + 28)?;
    let data = bytes.get(start..start.checked_add(length)?)?;
    let mut crc = flate2::Crc::new();
    crc.update(data);
    let sum = crc.sum().to_le_bytes();
    bytes[entry + 16..entry + 20].copy_from_slice(&sum);
    bytes[member + 14..member + 18].copy_from_slice(&sum);
    Some(())
}
