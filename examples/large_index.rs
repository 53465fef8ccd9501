//! Makes a repository with a large index and nothing else: `cargo run --release --example large_index -- DIRECTORY BLOBS`.
//! The packs in the index do not exist. Its password is `bench`. `benches/index` uses it.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use freezerd::repository::blob::PackedBlob;
use freezerd::repository::blob_name::{BlobKind, BlobName};
use freezerd::repository::index::file::IndexWriter;
use freezerd::repository::key::cost::Cost;
use freezerd::repository::open::Repository;
use freezerd::storage::id::Id;
use freezerd::storage::local::Local;

/// As in packs of 16 MiB with chunks of 1 MiB.
const IN_PACK: u64 = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().ok_or("the directory is missing")?);
    let blobs: u64 = arguments
        .next()
        .ok_or("the number of blobs is missing")?
        .parse()?;
    let storage = Arc::new(Local::new(directory));
    let repository = Repository::init(storage, b"bench", Cost::LEAST)?;
    let mut random = fastrand::Rng::with_seed(9);
    let mut id = || {
        let mut id = Id::default();
        random.fill(&mut id.0);
        id
    };
    let mut writer = IndexWriter::new();
    for pack in 0..blobs / IN_PACK {
        let content: Vec<PackedBlob> = (0..IN_PACK)
            .map(|place| PackedBlob {
                name: BlobName {
                    kind: BlobKind::ALL[usize::from(pack % 20 == 0)],
                    id: id(),
                },
                offset: place as u32 * 1_000_000,
                length: 1_000_000,
                raw_length: 2_000_000,
            })
            .collect();
        writer.add(id(), &content);
        if writer.is_full() {
            writer.write(&*repository.storage, &repository.cipher)?;
        }
    }
    writer.write(&*repository.storage, &repository.cipher)?;
    Ok(())
}
