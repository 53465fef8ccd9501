//! The walk: reads the trees of the snapshot, makes the directories, and hands out the files.
//!
//! The files of a directory come before its directories, so that only directories wait in memory.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use rustix::fs::AtFlags;

use super::batch::{Reach, Run, Use};
use super::directories::{DirectoryId, Origin};
use super::directory::{self, UNFINISHED};
use super::entry::Entry;
use super::hands::{Hands, piece_name};
use super::large::Large;
use super::links::Turn;
use super::metadata::Metadata;
use super::plan::Plan;
use super::problem::ProblemKind;
use super::report::{Unmatched, add};
use super::restorer::{Mode, Restorer};
use super::select::{Choice, Filter, Matched, Root};
use super::worker::Job;
use crate::repository::blob::BlobReader;
use crate::repository::node::{Node, NodeKind, NodeProblem};
use crate::repository::tree;
use crate::storage::id::Id;
use crate::storage::{FileKind, FileName};

/// The files of directories deeper than this are restored by the walk itself, which has the directory open. Another
/// thread would have to open it again, in as many steps as it is deep.
const DEEP: u32 = 500;

/// A directory that the walk has not come to.
struct Todo {
    directory: DirectoryId,
    tree: Id,
    depth: u32,
    selected: bool,
}

/// A walk, and what it has not handed out yet.
pub struct Walk<'a, 'b> {
    restorer: &'a Restorer<'b>,
    filter: &'a Filter,
    jobs: SyncSender<Job>,
    hands: Hands,
    reader: BlobReader,
    text: Vec<u8>,
    reach: Reach,
    plan: Plan,
    todo: Vec<Todo>,
    matched: Matched,
}

/// A directory that the walk is in.
struct Here {
    id: DirectoryId,
    depth: u32,
    selected: bool,
    /// What exists in it and has not come up yet.
    names: HashSet<OsString>,
    /// The directories in it.
    below: Vec<Todo>,
}

impl<'a, 'b> Walk<'a, 'b> {
    /// A walk that hands out its jobs to `jobs`.
    pub fn new(
        restorer: &'a Restorer<'b>,
        filter: &'a Filter,
        jobs: SyncSender<Job>,
        reach: Reach,
    ) -> Walk<'a, 'b> {
        Walk {
            restorer,
            filter,
            jobs,
            hands: Hands::new(),
            reader: BlobReader::new(),
            text: Vec::new(),
            reach,
            plan: Plan::new(reach),
            todo: Vec::new(),
            matched: Matched::default(),
        }
    }

    /// Walks through everything below the root, and returns the patterns that matched nothing. `target` is in the table
    /// already; the walk releases it.
    pub fn run(mut self, root: Root, target: DirectoryId) -> Unmatched {
        match root {
            Root::Entry(node) => {
                let mut here = self.here(target, 0, false);
                here.names = self.names(target);
                let problem = node.problem();
                self.visit(&mut here, *node, problem);
                self.restorer.release(target);
            }
            Root::Directory { tree, .. } => self.todo.push(Todo {
                directory: target,
                tree,
                depth: 0,
                selected: self.filter.include.is_empty(),
            }),
        }
        while let Some(todo) = self.todo.pop() {
            if self.restorer.is_stopped() {
                break;
            }
            self.directory(todo);
        }
        // Also after a failure: large files that were begun are removed.
        let rest = self.plan.rest();
        self.read(rest);
        if self.restorer.is_stopped() {
            return Unmatched::default();
        }
        self.filter.unmatched(&self.matched)
    }

    fn here(&self, id: DirectoryId, depth: u32, selected: bool) -> Here {
        Here {
            id,
            depth,
            selected,
            names: HashSet::new(),
            below: Vec::new(),
        }
    }

    fn directory(&mut self, todo: Todo) {
        let restorer = self.restorer;
        let mut here = self.here(todo.directory, todo.depth, todo.selected);
        if here.selected || here.depth == 0 {
            self.enter(&mut here);
        }
        let mut text = std::mem::take(&mut self.text);
        let mut sound = true;
        let read = restorer
            .repository
            .read_tree(&mut self.reader, todo.tree, &mut text)
            .and_then(|()| {
                tree::read(todo.tree, &text, |node, problem| {
                    sound &= problem.is_none();
                    self.visit(&mut here, node, problem);
                })
            });
        self.text = text;
        if let Err(error) = read {
            sound = false;
            let path = restorer.directories.path(here.id, OsStr::new(""));
            restorer.problem(path, ProblemKind::Tree, Some(error.into()));
        }
        self.todo.extend(here.below.drain(..).rev());
        self.leftovers(&here, sound);
        restorer.release(here.id);
    }

    /// Makes the directory and those above it, and lists what exists in it.
    fn enter(&mut self, here: &mut Here) {
        let restorer = self.restorer;
        if restorer.ensure(here.id) != Origin::Lost && here.depth > 0 {
            add(&restorer.tally.directories, 1);
        }
        here.names = self.names(here.id);
    }

    fn names(&self, id: DirectoryId) -> HashSet<OsString> {
        let restorer = self.restorer;
        if !matches!(
            restorer.directories.origin(id).0,
            Origin::Existed | Origin::Unfinished
        ) {
            return HashSet::new();
        }
        let names = restorer.directories.open(id).and_then(directory::names);
        names.unwrap_or_else(|error| {
            // What is in it is not known, so nothing is written into it.
            restorer.directories.set(id, Origin::Lost, false, None);
            let path = restorer.directories.path(id, OsStr::new(""));
            restorer.problem(path, ProblemKind::NotExamined, Some(error.into()));
            HashSet::new()
        })
    }

    /// Comes to an entry of a directory.
    fn visit(&mut self, here: &mut Here, mut node: Node, problem: Option<NodeProblem>) {
        let restorer = self.restorer;
        let name = OsString::from_vec(std::mem::take(&mut node.name));
        let exists = here.names.remove(&name);
        let is_directory = node.kind == NodeKind::Directory;
        let choice = match self.filter.is_empty() {
            true => Choice::Take,
            false => {
                let path = restorer.directories.path(here.id, &name);
                self.filter.note(&path, is_directory, &mut self.matched);
                self.filter.choose(&path, is_directory, here.selected)
            }
        };
        if choice == Choice::Skip {
            return;
        }
        if let Some(problem) = problem {
            add(&restorer.tally.files, 1);
            add(&restorer.tally.not_restored, 1);
            let path = restorer.directories.path(here.id, &name);
            return restorer.problem(path, ProblemKind::Entry(problem), None);
        }
        if let (true, Some(tree)) = (is_directory, node.subtree) {
            let metadata = Metadata::of(&mut node, &restorer.owners);
            let metadata = Some(Box::new(metadata));
            here.below.push(Todo {
                directory: restorer.directories.add(Some(here.id), name, metadata),
                tree,
                depth: here.depth.saturating_add(1),
                selected: choice == Choice::Take,
            });
            return;
        }
        if !here.selected && here.depth > 0 && restorer.directories.is_unmade(here.id) {
            self.enter(here);
        }
        let exists = exists || here.names.remove(&name);
        add(&restorer.tally.files, 1);
        node.name = name.into_vec();
        restorer.directories.hold(here.id);
        let entry = Entry::new(node, here.id, exists, &restorer.owners);
        match entry.link {
            None => self.hand_out(entry, here.depth),
            Some(key) => match restorer.links.turn(key, entry) {
                Turn::First(entry) => self.hand_out(entry, here.depth),
                Turn::Waits => {}
                Turn::Link(first, entry) => {
                    restorer.settle_link(&mut self.hands, &first, entry);
                }
            },
        }
    }

    fn hand_out(&mut self, entry: Entry, depth: u32) {
        let restorer = self.restorer;
        let (origin, _) = restorer.directories.origin(entry.directory);
        let is_file = entry.kind == NodeKind::File;
        let is_work =
            depth < DEEP && !matches!(origin, Origin::Lost | Origin::Absent | Origin::Unmade);
        let is_new = is_file && is_work && !entry.exists && restorer.acts();
        if is_new && entry.content.len() < 2 {
            restorer.change_new(&entry);
            let piece = entry.content.first().copied();
            self.want(piece, Use::Small(Box::new(entry)));
        } else if is_new {
            restorer.change_new(&entry);
            match Large::new(restorer, entry) {
                Ok(large) if self.reach.large_by_pack => self.want_large(Arc::new(large)),
                Ok(large) => {
                    large.fetch_ahead(restorer);
                    self.send(Job::Large(Arc::new(large)));
                }
                Err(failed) => {
                    let (entry, failed) = *failed;
                    restorer.settle(&mut self.hands, entry, Err(failed));
                }
            }
        } else if is_file && is_work && entry.exists {
            self.send(Job::Whole(entry));
        } else {
            let result = restorer.whole(&mut self.hands, &entry);
            restorer.settle(&mut self.hands, entry, result);
        }
    }

    fn want_large(&mut self, large: Arc<Large>) {
        for (id, pieces) in large.distinct() {
            self.want(Some(id), Use::Large(Arc::clone(&large), pieces));
        }
        // All of its pieces may be written already.
        self.restorer.leave(&mut self.hands, large);
    }

    fn want(&mut self, piece: Option<Id>, user: Use) {
        let index = &self.restorer.repository.index;
        let location = piece.and_then(|id| index.lookup(piece_name(id)).next());
        let jobs = self.plan.add(location, user);
        self.read(jobs);
    }

    fn read(&self, jobs: Vec<Vec<Run>>) {
        let storage = &self.restorer.repository.repository.storage;
        for job in jobs {
            for part in job.iter().filter_map(|run| run.part.as_ref()) {
                let pack = FileName::new(FileKind::Pack, part.pack);
                storage.will_read(pack, part.offset, part.length as u64);
            }
            self.send(Job::Batch(job));
        }
    }

    fn send(&self, job: Job) {
        // The threads that receive live as long as this walk.
        let _ = self.jobs.send(job);
    }

    /// Deals with what exists in the directory and is not in the snapshot. `sound`: all of the tree was read.
    fn leftovers(&self, here: &Here, sound: bool) {
        let restorer = self.restorer;
        if restorer.mode == Mode::Verify {
            return;
        }
        for name in &here.names {
            if name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                if let (true, Ok(parent)) = (restorer.acts(), restorer.directories.open(here.id)) {
                    self.remove_unfinished(&parent, name);
                }
                continue;
            }
            let choose = || {
                let path = restorer.directories.path(here.id, name);
                self.filter.choose(&path, false, true) != Choice::Skip
                    && self.filter.choose(&path, true, true) != Choice::Skip
            };
            if restorer.keep.is_some() && sound && here.selected && choose() {
                restorer.add_extra(here.id, name.clone());
            }
        }
    }

    fn remove_unfinished(&self, parent: &OwnedFd, name: &OsStr) {
        // A directory of such a name is not ours, and stays.
        let _ = rustix::fs::unlinkat(parent, name, AtFlags::empty());
    }
}
