//! How a long operation on a repository says how far it is. It never prints.

/// What an operation is doing, and what is counted meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Counts nothing.
    LoadIndex,
    /// Counts snapshots.
    ReadSnapshots,
    /// Counts trees; the total is not known.
    ReadTrees,
    /// Counts packs.
    ReadHeaders,
    /// Counts bytes.
    ReadPacks,
    /// Counts snapshots.
    FindLosses,
    /// Counts bytes of blobs.
    Repack,
    /// Counts index files; the total is not known.
    WriteIndex,
    /// Counts index files.
    RemoveIndex,
    /// Counts packs.
    RemovePacks,
    /// Counts snapshots.
    RepairSnapshots,
}

impl Stage {
    /// What is done in it, in a few words: `reading the index`.
    pub const fn words(self) -> &'static str {
        match self {
            Stage::LoadIndex => "reading the index",
            Stage::ReadSnapshots => "reading snapshots",
            Stage::ReadTrees => "reading trees",
            Stage::ReadHeaders => "reading the headers of packs",
            Stage::ReadPacks => "reading data",
            Stage::FindLosses => "finding what is lost",
            Stage::Repack => "copying what is needed",
            Stage::WriteIndex => "writing the index",
            Stage::RemoveIndex => "removing old index files",
            Stage::RemovePacks => "removing packs",
            Stage::RepairSnapshots => "repairing snapshots",
        }
    }

    /// Whether it counts bytes, and not files or trees.
    pub const fn counts_bytes(self) -> bool {
        matches!(self, Stage::ReadPacks | Stage::Repack)
    }
}

/// Is told how the work goes. Called from several threads at once.
pub trait Observer: Sync {
    /// A new stage begins. Counts start again at zero.
    fn stage(&self, stage: Stage, total: Option<u64>);

    /// This much more is done.
    fn advance(&self, count: u64);
}

/// Ignores everything.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn stage(&self, _: Stage, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
}
