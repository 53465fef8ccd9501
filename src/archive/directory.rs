//! One directory: compared with the parent snapshot, and prepared for what must be read.

use std::sync::Arc;

use super::assembly::{Above, Assembly, Previous, Slot};
use super::found::Found;
use super::store::Stopped;
use super::worker::{
    BATCH_BYTES, BATCH_FILES, DirectoryTask, FileEntry, FilesTask, Place, Task, Worker,
};
use crate::repository::blob_name::{BlobKind, BlobName};
use crate::repository::node::Node;
use crate::repository::tree;
use crate::source::problem::{ReadStep, SourceFault};
use crate::source::tree::entry::Entry;
use crate::source::tree::node::{looks_unchanged, node, node_without_content};
use crate::source::tree::path::{DirectoryPath, OpenDirectory};
use crate::source::tree::stat::EntryKind;
use crate::storage::id::Id;

impl Worker<'_> {
    /// Prepares a directory: its subdirectories and the files that must be read become tasks.
    pub(super) fn directory(&mut self, task: DirectoryTask) -> Result<(), Stopped> {
        let (above, name) = task.above.unzip();
        let found = match task.place {
            Place::Above { path, layout } => self.above_sources(path, layout),
            Place::Source { .. } => match self.list(task.place) {
                Some(found) => found,
                None => return self.gone(above),
            },
        };
        let own = name.map(|name| Box::new(self.own_node(&name, &found)));
        let previous = self.previous(task.previous);
        self.compare(found, own, above, previous)
    }

    /// The directory is not in the snapshot.
    fn gone(&mut self, above: Option<Above>) -> Result<(), Stopped> {
        match above {
            Some(above) => self.fill(above.assembly, vec![(above.slot, Slot::Gone)]),
            // The only source has vanished. There is no tree, and no snapshot.
            None => Ok(()),
        }
    }

    fn own_node(&mut self, name: &[u8], found: &Found) -> Node {
        let mut faults = Vec::new();
        let mut own = node(name, &found.listing.stat, &mut self.names, &mut faults);
        own.attributes = found.listing.attributes.clone();
        for fault in faults {
            let source = found.places.source_of(0);
            self.problem(source, &found.path, None, fault);
        }
        own
    }

    /// What the parent snapshot has for the directory. A tree that cannot be read is damage: everything is read again,
    /// and its pack is not relied on.
    fn previous(&mut self, tree: Option<Id>) -> Previous {
        let Some(id) = tree else {
            return Previous::default();
        };
        let repository = self.shared.repository;
        let mut nodes = Vec::new();
        let mut sound = true;
        let read = repository
            .read_tree(&mut self.blobs, id, &mut self.text)
            .and_then(|()| {
                tree::read(id, &self.text, |node, problem| {
                    sound &= problem.is_none();
                    nodes.push(node);
                })
            });
        match read {
            Ok(()) if sound => Previous {
                tree: Some(id),
                is_damaged: false,
                nodes,
            },
            Ok(()) => Previous::damaged(),
            Err(error) => {
                let name = BlobName {
                    kind: BlobKind::Tree,
                    id,
                };
                for location in repository.index.lookup(name) {
                    self.shared.store.distrust(location.pack);
                }
                self.shared.note_damage(error);
                Previous::damaged()
            }
        }
    }

    fn compare(
        &mut self,
        found: Found,
        own: Option<Box<Node>>,
        above: Option<Above>,
        previous: Previous,
    ) -> Result<(), Stopped> {
        let count = found.listing.entries.len();
        let mut slots = Vec::with_capacity(count);
        let mut directories = Vec::new();
        let mut files = Vec::new();
        let mut bytes = 0;
        let mut unchanged = 0;
        let mut at = 0;
        for (place, entry) in found.listing.entries.into_iter().enumerate() {
            while previous
                .nodes
                .get(at)
                .is_some_and(|node| *node.name < *entry.name)
            {
                at += 1;
            }
            let known = previous
                .nodes
                .get(at)
                .filter(|node| *node.name == *entry.name);
            let known = known.map(|_| at);
            let same = known.filter(|known| self.is_unchanged(&entry, &previous.nodes[*known]));
            if entry.stat.kind() == EntryKind::Directory {
                slots.push(Slot::Waiting);
                directories.push((place, entry, known));
                continue;
            }
            if let Some(known) = same {
                slots.push(Slot::Same(known));
                self.shared.tally.files.count(true, true);
                unchanged += 1;
                bytes += previous.nodes[known].size;
            } else {
                slots.push(Slot::Waiting);
                files.push(FileEntry {
                    slot: place,
                    source: found.places.source_of(place),
                    entry,
                    previous: known,
                });
            }
        }
        self.shared.count_bytes(bytes);
        self.shared.observer.advance(unchanged, bytes);
        let path = Arc::clone(&found.path);
        let assembly = Arc::new(Assembly::new(path, own, above, previous, slots));
        if directories.is_empty() && files.is_empty() {
            return self.fill(assembly, Vec::new());
        }
        let mut tasks = Vec::new();
        for (place, entry, known) in directories.into_iter().rev() {
            let task = found.places.task(&found.path, place, &entry);
            let above = Above {
                assembly: Arc::clone(&assembly),
                slot: place,
                previous: known,
            };
            let previous = known.and_then(|known| assembly.previous.nodes[known].subtree);
            tasks.push(Task::Directory(DirectoryTask {
                place: task,
                above: Some((above, entry.name)),
                previous,
            }));
        }
        self.add_files(&found.path, &assembly, files, &mut tasks)?;
        self.shared.queue.add(tasks);
        Ok(())
    }

    fn add_files(
        &mut self,
        path: &Arc<DirectoryPath>,
        assembly: &Arc<Assembly>,
        files: Vec<FileEntry>,
        tasks: &mut Vec<Task>,
    ) -> Result<(), Stopped> {
        if files.is_empty() {
            return Ok(());
        }
        let directory = match self.open_directory(path) {
            Ok(directory) => directory,
            Err(cause) => {
                // Each of them is missing, and one reason is enough.
                let fault = SourceFault::io(ReadStep::OpenDirectory, cause);
                self.problem(files[0].source, path, None, fault);
                let gone = files.iter().map(|file| (file.slot, Slot::Gone)).collect();
                return self.fill(Arc::clone(assembly), gone);
            }
        };
        let batches = batches(files, |file| file.entry.stat.size);
        tasks.extend(batches.into_iter().rev().map(|files| {
            Task::Files(FilesTask {
                assembly: Arc::clone(assembly),
                directory: Arc::clone(&directory),
                files,
            })
        }));
        Ok(())
    }

    /// Whether the node of the parent snapshot still describes the entry, and the repository has all of its content.
    fn is_unchanged(&mut self, entry: &Entry, node: &Node) -> bool {
        let stat = &entry.stat;
        let read_before_change = |time| (stat.ctime.seconds, stat.ctime.nanoseconds) < time;
        looks_unchanged(stat, node)
            && self
                .shared
                .parent_time
                .is_none_or(|time| read_before_change((time.seconds, time.nanoseconds)))
            && self.names.user(stat.uid) == node.user
            && self.names.group(stat.gid) == node.group
            && node.content.iter().flatten().all(|id| {
                self.shared.store.has(BlobName {
                    kind: BlobKind::Data,
                    id: *id,
                })
            })
    }

    /// The node of an entry that has no content.
    pub(super) fn other(
        &mut self,
        directory: &OpenDirectory,
        file: &FileEntry,
    ) -> Result<Node, SourceFault> {
        let mut faults = Vec::new();
        let node = node_without_content(
            directory,
            &file.entry.name,
            &file.entry.stat,
            &mut self.names,
            &mut faults,
        )?;
        for fault in faults {
            self.problem(file.source, &directory.path, Some(&file.entry.name), fault);
        }
        Ok(node)
    }
}

/// Splits files into groups of at most [`BATCH_FILES`]. A group gets no other file when it has [`BATCH_BYTES`].
fn batches<F>(files: Vec<F>, size: impl Fn(&F) -> u64) -> Vec<Vec<F>> {
    let mut left = files.into_iter();
    let mut batches = Vec::new();
    while !left.as_slice().is_empty() {
        let mut bytes = 0_u64;
        let fit = left.as_slice().iter().take(BATCH_FILES).take_while(|file| {
            let fits = bytes < BATCH_BYTES;
            bytes = bytes.saturating_add(size(file));
            fits
        });
        let count = fit.count();
        batches.push(left.by_ref().take(count).collect());
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_split_by_their_number_and_size_and_none_is_lost() {
        let sizes: Vec<u64> = (0..1000)
            .map(|number| [0, 10, BATCH_BYTES / 3, BATCH_BYTES, u64::MAX][number * number % 5])
            .collect();
        let batches = batches(sizes.clone(), |size| *size);
        assert_eq!(batches.concat(), sizes);
        for batch in &batches {
            assert!((1..=BATCH_FILES).contains(&batch.len()));
            let before_last = batch[..batch.len() - 1].iter().sum::<u64>();
            assert!(before_last < BATCH_BYTES);
        }
    }

    #[test]
    fn the_memory_of_the_groups_does_not_grow_faster_than_the_number_of_files() {
        let count = 100_000;
        let batches = batches(vec![1_u64; count], |size| *size);
        let memory: usize = batches.iter().map(Vec::capacity).sum();
        assert!(memory <= 2 * count, "room for {memory} files");
    }
}
