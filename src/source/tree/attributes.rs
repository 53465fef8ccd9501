//! Extended attributes, which ACLs and capabilities are, too.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::{fgetxattr, flistxattr, lgetxattr, llistxattr};
use rustix::io::Errno;

use crate::repository::node::Attribute;
use crate::source::problem::SourceFault;

/// No attribute is larger, and no list of names: limits of the kernel's.
const LARGEST: usize = 64 << 10;

/// The attributes of an open file or directory, sorted as the file system gives them.
pub fn of_open(file: impl AsFd, faults: &mut Vec<SourceFault>) -> Vec<Attribute> {
    let file = file.as_fd();
    read(
        |buffer| flistxattr(file, buffer),
        |name, buffer| fgetxattr(file, name, buffer),
        faults,
    )
}

/// The attributes of an entry that cannot be opened: a link, a device, a FIFO, a socket.
pub fn of_entry(
    directory: impl AsFd,
    name: &[u8],
    faults: &mut Vec<SourceFault>,
) -> Vec<Attribute> {
    // There is no call that takes a directory's descriptor before Linux 6.13. This path leads through it.
    let mut path = format!("/proc/self/fd/{}/", directory.as_fd().as_raw_fd()).into_bytes();
    path.extend_from_slice(name);
    let path = path.as_slice();
    read(
        |buffer| llistxattr(path, buffer),
        |name, buffer| lgetxattr(path, name, buffer),
        faults,
    )
}

fn read(
    list: impl Fn(&mut [u8]) -> rustix::io::Result<usize>,
    get: impl Fn(&[u8], &mut [u8]) -> rustix::io::Result<usize>,
    faults: &mut Vec<SourceFault>,
) -> Vec<Attribute> {
    let names = match grow(&list) {
        Ok(names) if names.is_empty() => return Vec::new(),
        Ok(names) => names,
        // A file system without attributes.
        Err(Errno::OPNOTSUPP) => return Vec::new(),
        Err(cause) => {
            let cause = io::Error::from(cause);
            faults.push(SourceFault::AttributeUnreadable { name: None, cause });
            return Vec::new();
        }
    };
    let mut attributes = Vec::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let Ok(text) = std::str::from_utf8(name) else {
            let name = String::from_utf8_lossy(name).into_owned();
            faults.push(SourceFault::AttributeName { name });
            continue;
        };
        match grow(|buffer| get(name, buffer)) {
            Ok(value) => attributes.push(Attribute {
                name: text.to_owned(),
                value: Some(value),
            }),
            // Removed since it was listed.
            Err(Errno::NODATA) => {}
            Err(cause) => faults.push(SourceFault::AttributeUnreadable {
                name: Some(text.to_owned()),
                cause: cause.into(),
            }),
        }
    }
    attributes
}

/// Calls with a small buffer first, and with the largest one when that is too small.
fn grow(call: impl Fn(&mut [u8]) -> rustix::io::Result<usize>) -> rustix::io::Result<Vec<u8>> {
    let mut small = [0; 256];
    match call(&mut small) {
        Ok(length) => Ok(small[..length].to_vec()),
        Err(Errno::RANGE) => {
            let mut large = vec![0; LARGEST];
            let length = call(&mut large)?;
            large.truncate(length);
            Ok(large)
        }
        Err(error) => Err(error),
    }
}
