//! How fast the chunker splits files into chunks: `cargo bench --bench chunker`.

use divan::Bencher;
use divan::counter::BytesCount;
use freezerd::archive::chunker::Chunker;

fn main() {
    divan::main();
}

#[divan::bench]
fn random_data(bencher: Bencher) {
    let mut data = vec![0; 64 << 20];
    fastrand::Rng::with_seed(1).fill(&mut data);
    let chunker = Chunker::new(0x003D_A335_8B4D_C173).expect("a polynomial of degree 53");
    bencher
        .counter(BytesCount::of_slice(&data))
        .bench_local(|| {
            let mut start = 0;
            while let Some(cut) = chunker.find_cut(&data[start..], 0) {
                start += cut;
            }
            start
        });
}
