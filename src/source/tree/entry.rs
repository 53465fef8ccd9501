//! What a listing finds.

use super::stat::Stat;
use crate::repository::node::Attribute;

/// An entry of a directory that is to be backed up.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: Box<[u8]>,
    pub stat: Stat,
    /// A directory whose own entries are left out.
    pub closed: bool,
    /// A symbolic link of this name was followed: `stat` is that of its target.
    pub followed: bool,
}

/// A directory as it was at one moment.
#[derive(Clone, Debug)]
pub struct Listing {
    pub stat: Stat,
    pub attributes: Vec<Attribute>,
    /// Sorted by the bytes of their names.
    pub entries: Vec<Entry>,
}
