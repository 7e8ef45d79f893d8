//! The descriptions of classes that a file has (`TStreamerInfo`), of which trees need types and ranges of
//! members.

use std::collections::{HashMap, HashSet};

use super::layout::object_array;
use crate::buffer::{Buffer, Pointer};
use crate::error::Fault;

/// A member of a class, or one of its bases.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// The comment beside the member, which may begin with `[n]` and a range.
    pub(super) title: String,
    /// The C++ type; `BASE` for a base.
    pub(super) type_name: String,
}

/// Classes by name, with the members of the latest version.
#[derive(Debug, Default)]
pub(super) struct Classes(HashMap<String, (i32, Vec<Member>)>);

impl Classes {
    /// Reads the list of a file. Descriptions that cannot be read are left out: few trees need any.
    pub(super) fn decode(mut record: Buffer<'_>) -> Self {
        let mut classes = Self::default();
        // What was read before the fault is kept.
        let _unread = classes.list(&mut record);
        classes
    }

    fn list(&mut self, record: &mut Buffer<'_>) -> Result<(), Fault> {
        let (_, mut list) = record.object()?;
        list.tobject()?;
        list.string()?;
        for _ in 0..list.count(4)? {
            if let Pointer::Object { class: "TStreamerInfo", body, .. } = list.pointer()?
                && let Ok((name, version, members)) = decode_class(body)
                && self.0.get(&name).is_none_or(|(known, _)| *known < version)
            {
                self.0.insert(name, (version, members));
            }
            let _option = list.string()?;
        }
        Ok(())
    }

    /// The member of that name in a class or in its bases.
    pub(super) fn member(&self, class: &str, name: &str) -> Option<&Member> {
        let (mut waiting, mut seen) = (vec![class], HashSet::new());
        while let Some(class) = waiting.pop() {
            let Some((_, members)) = self.0.get(class).filter(|_| seen.insert(class)) else { continue };
            let is_base = |member: &&Member| member.type_name == "BASE";
            if let Some(member) = members.iter().find(|member| member.name == name && !is_base(member)) {
                return Some(member);
            }
            waiting.extend(members.iter().filter(is_base).map(|base| &*base.name));
        }
        None
    }
}

fn decode_class(mut body: Buffer<'_>) -> Result<(String, i32, Vec<Member>), Fault> {
    let (_, mut info) = body.object()?;
    let (name, _) = info.tnamed()?;
    let _checksum = info.u32()?;
    let version = info.i32()?;
    let mut members = Vec::new();
    if let Pointer::Object { mut body, .. } = info.pointer()? {
        let (count, mut elements) = object_array(&mut body)?;
        for _ in 0..count {
            if let Pointer::Object { class, body, .. } = elements.pointer()? {
                members.push(decode_member(class, body)?);
            }
        }
    }
    Ok((name.into_owned(), version, members))
}

/// Reads the `TStreamerElement` at the start of one of its classes.
fn decode_member(class: &str, mut body: Buffer<'_>) -> Result<Member, Fault> {
    let (_, mut element) = body.object()?;
    if class == "TStreamerSTLstring" {
        // The only one that is not derived from TStreamerElement directly.
        (_, element) = element.object()?;
    }
    let (version, mut base) = element.object()?;
    let (name, title) = base.tnamed()?;
    // Type, size, number of items and number of dimensions, and the lengths of these.
    base.skip(16)?;
    if version > 1 {
        base.skip(20)?;
    } else {
        base.array_bytes(4)?;
    }
    let type_name = base.string()?;
    Ok(Member { name: name.into_owned(), title: title.into_owned(), type_name: type_name.into_owned() })
}
