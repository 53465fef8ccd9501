use super::file::{IndexWriter, parse};
use super::load::load;
use super::*;
use crate::repository::crypto::{Cipher, SecretKeys};
use crate::storage::memory::Memory;
use crate::storage::{FileKind, FileName, Storage};

fn id(number: u64) -> Id {
    Id::of(&number.to_le_bytes())
}

/// Packs of ten blobs each; every third is a tree.
fn packs(count: u64) -> Vec<(Id, Vec<PackedBlob>)> {
    (0..count)
        .map(|pack| {
            let blobs = (0..10).map(|at| PackedBlob {
                name: BlobName {
                    kind: BlobKind::ALL[usize::from(at % 3 == 0)],
                    id: id(pack * 10 + at),
                },
                offset: at as u32 * 100,
                length: 100,
                raw_length: at as u32 % 2 * 500,
            });
            (id(1 << 40 | pack), blobs.collect())
        })
        .collect()
}

fn index(packs: &[(Id, Vec<PackedBlob>)]) -> Index {
    let mut builder = IndexBuilder::new();
    for (pack, blobs) in packs {
        builder.add(*pack, blobs).unwrap();
    }
    builder.finish()
}

#[test]
fn every_blob_is_found_in_its_pack_and_no_other_is() {
    let packs = packs(200);
    let index = index(&packs);
    for (pack, blobs) in &packs {
        for blob in blobs {
            let found: Vec<BlobLocation> = index.lookup(blob.name).collect();
            let expected = BlobLocation {
                pack: *pack,
                blob: *blob,
            };
            assert_eq!(found, [expected]);
            assert!(index.contains(blob.name));
            let other = BlobName {
                kind: BlobKind::ALL[1 - blob.name.kind as usize],
                ..blob.name
            };
            assert!(!index.contains(other));
        }
    }
    assert_eq!(index.len(BlobKind::Data) + index.len(BlobKind::Tree), 2000);
    assert_eq!(index.packs().len(), 200);
}

#[test]
fn what_is_named_twice_counts_once_and_a_second_copy_is_kept() {
    let packs = packs(2);
    let mut builder = IndexBuilder::new();
    for (pack, blobs) in packs.iter().chain(&packs) {
        builder.add(*pack, blobs).unwrap();
    }
    let mut index = builder.finish();
    assert_eq!(index.len(BlobKind::Data), 12);
    // The blobs of the first pack are in a third one, too.
    let (third, blobs) = (id(3), &packs[0].1);
    index.insert(third, blobs).unwrap();
    index.insert(third, blobs).unwrap();
    assert_eq!(index.len(BlobKind::Data), 18);
    let mut found: Vec<Id> = index
        .lookup(blobs[1].name)
        .map(|found| found.pack)
        .collect();
    found.sort();
    let mut expected = vec![packs[0].0, third];
    expected.sort();
    assert_eq!(found, expected);
    assert!(index.has_pack(third));
    assert!(!index.has_pack(id(4)));
}

#[test]
fn blobs_come_by_pack_in_the_order_of_the_pack() {
    let packs = packs(50);
    let mut builder = IndexBuilder::new();
    builder.add(id(77), &[]).unwrap();
    for (pack, blobs) in &packs {
        builder.add(*pack, blobs).unwrap();
    }
    let index = builder.finish();
    let mut seen = Vec::new();
    index
        .by_pack()
        .for_each(|pack, blobs| seen.push((pack, blobs.to_vec())));
    assert_eq!(seen.remove(0), (id(77), Vec::new()));
    assert_eq!(seen, packs);
}

#[test]
fn an_index_file_is_written_as_restic_writes_it() {
    let (pack, blobs) = &packs(1)[0];
    let mut writer = IndexWriter::new();
    assert!(writer.take().is_none());
    writer.add(*pack, &blobs[..2]);
    let expected = format!(
        "{{\"packs\":[{{\"id\":\"{pack}\",\"blobs\":[{{\"id\":\"{}\",\"type\":\"tree\",\"offset\":0,\"length\":100}},\
         {{\"id\":\"{}\",\"type\":\"data\",\"offset\":100,\"length\":100,\"uncompressed_length\":500}}]}}]}}\n",
        blobs[0].name.id, blobs[1].name.id
    );
    let document = writer.take().unwrap();
    assert_eq!(String::from_utf8(document).unwrap(), expected);
    assert!(writer.take().is_none());
}

#[test]
fn index_files_are_loaded_and_a_damaged_one_is_a_problem() {
    let memory = Memory::new();
    let cipher = Cipher::new(&SecretKeys::random().unwrap());
    let packs = packs(30);
    let mut writer = IndexWriter::new();
    let mut files = Vec::new();
    for (at, (pack, blobs)) in packs.iter().enumerate() {
        writer.add(*pack, blobs);
        if at % 10 == 9 {
            files.extend(writer.write(&memory, &cipher).unwrap());
        }
    }
    let loaded = load(&memory, &cipher).unwrap();
    assert!(loaded.problems.is_empty());
    assert_eq!(loaded.files.len(), 3);
    assert_eq!(loaded.index.packs().len(), 30);
    let damaged = FileName::new(FileKind::Index, files[1]);
    let mut content = memory.read(damaged, 1 << 20).unwrap();
    content.truncate(content.len() / 2);
    memory.damage(damaged, content);
    let loaded = load(&memory, &cipher).unwrap();
    assert_eq!(loaded.problems.len(), 1);
    assert!(
        loaded.problems[0]
            .to_string()
            .contains(&damaged.to_string())
    );
    assert_eq!(loaded.index.packs().len(), 20);
}

#[test]
fn old_and_hostile_documents() {
    let old = format!(
        "{{\"supersedes\":[\"{}\"],\"packs\":[{{\"new\":[],\"blobs\":null,\"id\":\"{}\"}}]}}",
        id(1),
        id(2)
    );
    let mut seen = Vec::new();
    let supersedes = parse(old.as_bytes(), |pack, blobs| seen.push((pack, blobs.len()))).unwrap();
    assert_eq!(supersedes, [id(1)]);
    assert_eq!(seen, [(id(2), 0)]);
    assert!(parse(b"{\"packs\":null}", |_, _| {}).is_ok());
    for bad in [
        "",
        "[]",
        "{}",
        "{\"packs\":[{}]}",
        "{\"packs\":[{\"id\":\"x\"}]}",
        "{\"packs\":1}",
    ] {
        assert!(parse(bad.as_bytes(), |_, _| {}).is_err(), "{bad}");
    }
    let mut writer = IndexWriter::new();
    writer.add(id(1), &packs(1)[0].1);
    let good = writer.take().unwrap();
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..3000 {
        let mut bad = good.clone();
        let at = random.usize(..bad.len());
        bad[at] = random.u8(..);
        let _ = parse(&bad, |_, _| {});
    }
}

#[test]
fn a_blob_takes_less_than_60_bytes() {
    // Ten million of them, with 16 in a pack, are the `ignored` test below.
    measure(300_000, 16);
}

#[test]
#[ignore = "takes 600 MB and some seconds"]
fn ten_million_blobs_take_less_than_60_bytes_each() {
    measure(10_000_000, 16);
}

fn measure(blobs: u64, in_pack: u64) {
    let started = std::time::Instant::now();
    let mut random = fastrand::Rng::with_seed(9);
    let mut random_id = || {
        let mut id = Id::default();
        random.fill(&mut id.0);
        id
    };
    let before = resident();
    let mut builder = IndexBuilder::new();
    let mut in_this = Vec::new();
    for at in 0..blobs / in_pack {
        in_this.clear();
        in_this.extend((0..in_pack).map(|place| PackedBlob {
            name: BlobName {
                kind: BlobKind::ALL[usize::from(at % 20 == 0)],
                id: random_id(),
            },
            offset: place as u32 * 1_000_000,
            length: 1_000_000,
            raw_length: 2_000_000,
        }));
        builder.add(random_id(), &in_this).unwrap();
    }
    let index = builder.finish();
    let each = index.memory() as f64 / blobs as f64;
    let resident = resident().saturating_sub(before) as f64 / blobs as f64;
    eprintln!(
        "{blobs} blobs: {each:.1} bytes each, {resident:.1} resident, {:?}",
        started.elapsed()
    );
    assert!(each < 60.0, "{each}");
    let started = std::time::Instant::now();
    let mut found = 0;
    for location in index.blobs(BlobKind::Data).take(1_000_000) {
        found += usize::from(index.contains(location.blob.name));
    }
    eprintln!("{found} lookups: {:?}", started.elapsed());
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}
